using FsCheck.Xunit;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Tests.Timing;

public sealed class BackoffTests
{
    [Property]
    public bool After_MoreFailures_WaitsNoLessAndNeverBeyondTheLimit(ushort failures) =>
        Backoff.Reconcile.After(failures + 1) >= Backoff.Reconcile.After(failures)
        && Backoff.Reconcile.After(failures) >= Backoff.Reconcile.Least
        && Backoff.Reconcile.After(failures) <= Backoff.Reconcile.Most;

    [Property]
    public bool SpreadAfter_AnyFailures_LiesInTheUpperHalf(ushort failures)
    {
        var wait = Backoff.Reconnect.SpreadAfter(failures);
        return wait <= Backoff.Reconnect.After(failures) && wait >= Backoff.Reconnect.After(failures) / 2;
    }
}
