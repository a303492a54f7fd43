using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace UrlShortener.Load.Dashboards;

/// <summary>A panel with the series of each of its queries.</summary>
internal sealed record DrawnPanel(DashboardPanel Panel, IReadOnlyList<(PanelTarget Target, IReadOnlyList<PrometheusSeries> Series)> Data);

/// <summary>Draws the panels of a dashboard where Grafana would, as one SVG.</summary>
internal static partial class DashboardPicture
{
    private const int Column = 50;
    private const int Line = 26;
    private const int Gap = 4;
    private const int Title = 22;
    private const int LegendLine = 14;

    // The table of Grafana shows what fires now: at the last step of a query.
    private const double AlertAge = 20;
    private const string Font = "DejaVu Sans, Verdana, sans-serif";
    private static readonly OxyColor[] Colors =
    [
        OxyColor.Parse("#2f6fb0"),
        OxyColor.Parse("#d9822b"),
        OxyColor.Parse("#3a9d5d"),
        OxyColor.Parse("#c23b4b"),
        OxyColor.Parse("#7b58b5"),
        OxyColor.Parse("#8c6d46"),
        OxyColor.Parse("#cf5fa3"),
        OxyColor.Parse("#6b7280"),
    ];

    /// <summary>The picture, of a time that begins at <paramref name="start"/>, in seconds since 1970.</summary>
    public static string Draw(IReadOnlyList<DrawnPanel> panels, double start, double minutes)
    {
        var height = panels.Max(drawn => drawn.Panel.Y + drawn.Panel.Height) * Line;
        var text = new StringBuilder();
        text.AppendLine(Text($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{24 * Column}\" height=\"{height}\" viewBox=\"0 0 {24 * Column} {height}\">"));
        text.AppendLine("<rect width=\"100%\" height=\"100%\" fill=\"#f4f5f7\"/>");
        foreach (var drawn in panels.Select(WithoutZeros))
        {
            var (panel, width) = (drawn.Panel, drawn.Panel.Width * Column);
            text.AppendLine(Text($"<g transform=\"translate({panel.X * Column},{panel.Y * Line})\" font-family=\"{Font}\">"));
            if (!panel.IsRow)
                text.AppendLine(
                    Text(
                        $"<rect x=\"{Gap}\" y=\"{Gap}\" width=\"{width - 2 * Gap}\" height=\"{panel.Height * Line - 2 * Gap}\" fill=\"#fff\" stroke=\"#d8dbe0\"/>"
                    )
                );
            Write(text, 12, 18, panel.IsRow ? 14 : 12, "#24292f", panel.Title, bold: true);
            switch (panel.Type)
            {
                case "stat":
                    Write(text, 12, 66, 30, "#3a9d5d", LastOf(drawn) is { } last ? Format(last, panel.Unit) : "no data", bold: true);
                    break;
                case "table":
                    WriteAlerts(text, drawn, start + 60 * minutes);
                    break;
                case "timeseries":
                    var names = drawn.Data.SelectMany(data => data.Series.Where(HasValues).Select(series => Legend(data.Target.Legend, series.Labels)));
                    var legend = LegendLines([.. names], width - 32);
                    var below = legend.Count * LegendLine + 2;
                    text.AppendLine(Plot(drawn, start, minutes, width - 2 * Gap - 4, panel.Height * Line - 2 * Gap - Title - below));
                    WriteLegend(text, legend, panel.Height * Line - Gap - below + 8);
                    break;
            }

            text.AppendLine("</g>");
        }

        return text.AppendLine("</svg>").ToString();
    }

    /// <summary>A legend with the values of a series' labels.</summary>
    internal static string Legend(string format, IReadOnlyDictionary<string, string> labels) =>
        Label().Replace(format, match => labels.GetValueOrDefault(match.Groups[1].Value, "")).Trim();

    /// <summary>Statuses and operations that did not occur would hide the others in a legend.</summary>
    private static DrawnPanel WithoutZeros(DrawnPanel drawn) =>
        drawn.Panel.Type != "timeseries" || drawn.Data.Sum(data => data.Series.Count) <= Colors.Length
            ? drawn
            : drawn with
            {
                Data =
                [
                    .. drawn.Data.Select(data =>
                        (data.Target, (IReadOnlyList<PrometheusSeries>)[.. data.Series.Where(series => series.Values.Any(value => value.Value != 0))])
                    ),
                ],
            };

    private static bool HasValues(PrometheusSeries series) => series.Values.Count > 0;

    private static double? LastOf(DrawnPanel drawn) =>
        drawn.Data.SelectMany(data => data.Series).Where(series => series.Values.Count > 0).Select(series => (double?)series.Values[^1].Value).FirstOrDefault();

    private static void WriteAlerts(StringBuilder text, DrawnPanel drawn, double end)
    {
        List<string> alerts =
        [
            .. drawn
                .Data.SelectMany(data => data.Series.Where(HasValues))
                .Where(series => series.Values[^1].Seconds > end - AlertAge)
                .Select(series => series.Labels.GetValueOrDefault("alertname"))
                .OfType<string>()
                .Distinct(),
        ];
        if (alerts.Count == 0)
            Write(text, 12, 44, 12, "#57606a", "none at the end");
        for (var i = 0; i < alerts.Count; i++)
            Write(text, 12, 44 + 18 * i, 12, "#c23b4b", alerts[i]);
    }

    /// <summary>Names of the series under the plot, in lines that the panel is wide enough for.</summary>
    private static List<List<(string Name, OxyColor Color)>> LegendLines(IReadOnlyList<string> names, int width)
    {
        var lines = new List<List<(string, OxyColor)>> { new() };
        var used = 0;
        for (var i = 0; i < names.Count; i++)
        {
            if (used > 0 && used + WidthOf(names[i]) > width)
            {
                lines.Add([]);
                used = 0;
            }

            lines[^1].Add((names[i], Colors[i % Colors.Length]));
            used += WidthOf(names[i]);
        }

        return lines;
    }

    private static int WidthOf(string name) => 30 + 6 * name.Length;

    private static void WriteLegend(StringBuilder text, List<List<(string Name, OxyColor Color)>> lines, int top)
    {
        foreach (var (index, line) in lines.Index())
        {
            var (x, y) = (16, top + index * LegendLine);
            foreach (var (name, color) in line)
            {
                text.AppendLine(Text($"<rect x=\"{x}\" y=\"{y - 5}\" width=\"12\" height=\"3\" fill=\"#{color.R:x2}{color.G:x2}{color.B:x2}\"/>"));
                Write(text, x + 16, y, 10, "#24292f", name);
                x += WidthOf(name);
            }
        }
    }

    private static string Plot(DrawnPanel drawn, double start, double minutes, int width, int height)
    {
        var unit = drawn.Panel.Unit;
        var model = new PlotModel
        {
            DefaultFont = Font,
            DefaultFontSize = 10,
            DefaultColors = Colors,
            PlotAreaBorderColor = OxyColor.Parse("#d8dbe0"),
            Background = OxyColors.Undefined,
            // Wide enough for the labels of each unit: what OxyPlot measures is not the font that the reader has.
            PlotMargins = new OxyThickness(58, 6, 14, 20),
            IsLegendVisible = false,
        };
        model.Axes.Add(
            new LinearAxis
            {
                Position = AxisPosition.Bottom,
                Minimum = 0,
                Maximum = minutes,
                MajorStep = Math.Max(1, Math.Ceiling(minutes / 8)),
                LabelFormatter = value => Text($"{value:0} min"),
                MajorGridlineStyle = LineStyle.Solid,
                MajorGridlineColor = OxyColor.Parse("#eceef1"),
                TickStyle = TickStyle.None,
            }
        );
        var series = drawn.Data.SelectMany(data => data.Series.Select(one => (data.Target, Series: one))).Where(item => item.Series.Values.Count > 0).ToList();
        var most = series.SelectMany(item => item.Series.Values).Select(value => value.Value).DefaultIfEmpty(0).Max();
        var (share, limits) = (unit == "percentunit", drawn.Panel.Limits);
        model.Axes.Add(
            new LinearAxis
            {
                Position = AxisPosition.Left,
                Minimum = 0,
                // Limits that are far away would press the lines flat.
                Maximum = Math.Max(
                    1.1 * most,
                    share ? 0.012
                        : most > 0 ? 0
                        : 1
                ),
                LabelFormatter = value => Format(value, unit),
                MajorGridlineStyle = LineStyle.Solid,
                MajorGridlineColor = OxyColor.Parse("#eceef1"),
                TickStyle = TickStyle.None,
            }
        );
        foreach (var limit in limits)
            model.Annotations.Add(
                new LineAnnotation
                {
                    Type = LineAnnotationType.Horizontal,
                    Y = limit,
                    Color = OxyColor.Parse(limit == limits[^1] ? "#c23b4b" : "#d9822b"),
                    LineStyle = LineStyle.Dash,
                }
            );
        foreach (var (target, one) in series)
        {
            var line = new LineSeries { Title = Legend(target.Legend, one.Labels), StrokeThickness = 1.5 };
            line.Points.AddRange(one.Values.Select(value => new DataPoint((value.Seconds - start) / 60, value.Value)));
            model.Series.Add(line);
        }

        // Every plot numbers its clip paths from 1, and names hold for the whole document.
        var svg = new SvgExporter { Width = width, Height = height }
            .ExportToString(model)
            .Replace("\"clipPath", Text($"\"clip-{drawn.Panel.X}-{drawn.Panel.Y}-"), StringComparison.Ordinal)
            .Replace("#clipPath", Text($"#clip-{drawn.Panel.X}-{drawn.Panel.Y}-"), StringComparison.Ordinal);
        return Text($"<svg x=\"{Gap + 2}\" y=\"{Gap + Title}\" {svg[(svg.IndexOf("<svg", StringComparison.Ordinal) + 4)..]}");
    }

    private static string Format(double value, string unit) =>
        unit switch
        {
            "percentunit" => Text($"{100 * value:0.##} %"),
            "s" => value >= 1 ? Text($"{value:0.##} s") : Text($"{1000 * value:0.##} ms"),
            "reqps" or "ops" => Text($"{value:#,0.##} /s"),
            _ => Text($"{value:#,0.##}"),
        };

    private static void Write(StringBuilder text, int x, int y, int size, string color, string words, bool bold = false) =>
        text.AppendLine(
            Text(
                $"<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{color}\"{(bold ? " font-weight=\"bold\"" : "")}>{WebUtility.HtmlEncode(words)}</text>"
            )
        );

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{\{\s*(\w+)\s*\}\}")]
    private static partial Regex Label();
}
