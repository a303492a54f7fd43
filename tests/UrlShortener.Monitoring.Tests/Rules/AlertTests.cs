using System.Globalization;
using System.Text;
using Xunit;

namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>Each alert fires, does not fire just below, and resolves, by <c>promtool test rules</c>.</summary>
public sealed class AlertTests
{
    public static TheoryData<string> Cases => [.. AlertCases.All.Select(alert => alert.ToString())];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Alert_Fires_NotBelow_Resolves(string name)
    {
        var programs = await Monitoring.GetProgramsAsync();
        var alert = AlertCases.All.Single(each => each.ToString() == name);
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder.PathOf("rules.yaml"), RuleFile.WriteFor(alert.Alert), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.PathOf("test.yaml"), Write(alert), TestContext.Current.CancellationToken);

        await programs.RunPromtoolAsync(folder.FullName, TestContext.Current.CancellationToken, "test", "rules", "test.yaml");
    }

    [Fact]
    public void EveryAlert_HasACase_ThatHasABelowAndAnEnd()
    {
        var tested = AlertCases.All.GroupBy(each => each.Alert).ToDictionary(group => group.Key, group => group.ToList());
        var alerts = RuleFile.ReadAlerts().Select(rule => rule.Alert!).ToList();

        Assert.Empty(alerts.Except(tested.Keys));
        Assert.Empty(tested.Keys.Except(alerts));
        Assert.DoesNotContain(
            alerts,
            alert => alert != "ShortenerWatchdog" && !tested[alert].Any(each => each.Below is not null && each.ResolvedAt is not null)
        );
        // An alert with a duration is seen to wait for it.
        Assert.DoesNotContain(RuleFile.ReadAlerts(), rule => rule.For is not null && !tested[rule.Alert!].Any(each => each.NotYet is not null));
    }

    private static string Write(AlertCase alert)
    {
        var rule = RuleFile.ReadAlerts().Single(each => each.Alert == alert.Alert);
        var text = new StringBuilder();
        // Without an order promtool evaluates groups in a random one: with an interval longer than an alert looks back, it may then miss what was recorded.
        text.Append(CultureInfo.InvariantCulture, $"rule_files: [rules.yaml]\ngroup_eval_order: [{string.Join(", ", RuleFile.ReadGroupNames())}]\n");
        text.Append(CultureInfo.InvariantCulture, $"evaluation_interval: {alert.Interval}\ntests:\n");
        var selector = $"ALERTS{{alertname=\"{alert.Alert}\", alertstate=\"firing\"}}";
        var own = string.Join(", ", rule.Labels.Select(label => $"{label.Key}=\"{label.Value}\""));
        var firing = $"ALERTS{{alertname=\"{alert.Alert}\", alertstate=\"firing\", {own}{(alert.Labels.Length == 0 ? "" : ", ")}{alert.Labels}}}";
        Append(alert.Fires);
        if (alert.NotYet is not null)
            Expect(alert.NotYet, null);
        Expect(alert.FiresAt, firing);
        if (alert.ResolvedAt is not null)
            Expect(alert.ResolvedAt, null);
        if (alert.Below is not null)
        {
            Append(alert.Below);
            Expect(alert.FiresAt, null);
        }

        return text.ToString();

        void Append(IEnumerable<Sample> samples)
        {
            text.Append(CultureInfo.InvariantCulture, $"- interval: {alert.Interval}\n  input_series:\n");
            foreach (var sample in samples)
                text.Append(CultureInfo.InvariantCulture, $"  - series: '{sample.Name}'\n    values: '{sample.Values}'\n");
            text.Append("  promql_expr_test:\n");
        }

        void Expect(string time, string? labels)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - expr: '{selector}'\n    eval_time: {time}\n");
            if (labels is not null)
                text.Append(CultureInfo.InvariantCulture, $"    exp_samples:\n    - labels: '{labels}'\n      value: 1\n");
        }
    }
}
