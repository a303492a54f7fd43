using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>A PostgreSQL, its Secrets and the processes of an app, with the decisions of the real operator.</summary>
internal sealed class RotationModel(Dice dice)
{
    private const string Primary = "primary";

    // Verifiers are the passwords themselves: the real ones take milliseconds each.
    private readonly Dictionary<string, (bool CanLogIn, string? Password)> _roles = new()
    {
        [AppCredentials.First] = (false, null),
        [AppCredentials.Second] = (false, null),
    };

    // What each process has read, and the roles of its connections.
    private readonly AppCredentials?[] _files = new AppCredentials?[3];
    private readonly HashSet<string>[] _sessions =
    [
        [],
        [],
        [],
    ];
    private AppCredentials? _secret;
    private AppCredentials? _connection;
    private PasswordRotationStatus? _status;
    private string? _request;
    private string? _settledFor;
    private int _number;

    // An edit while both roles are in use applies at once: processes that have not read it cannot log in until they have.
    private bool _isExcused;

    /// <summary>Whether one password is left, all processes have it, and every request is done.</summary>
    public bool IsSettled =>
        _roles.Count(role => role.Value.CanLogIn) == 1
        && _secret is not null
        && _files.All(file => file == _connection)
        && (_request is null || _status is { State: PasswordRotationState.Done } done && done.Request == _request);

    public override string ToString() =>
        $"{_secret} {_connection} {_status} asked for {_request}; {string.Join(", ", _roles.Select(role => $"{role.Key} {role.Value.CanLogIn}"))}";

    public void Step(bool isCareless)
    {
        switch (dice.Next(isCareless ? 12 : 8))
        {
            case 0 or 1 or 2 or 3:
                Reconcile(writes: dice.Next(4));
                break;
            case 4 or 5 or 6:
                Refresh(dice.Next(_files.Length));
                break;
            case 7:
                LogIn(dice.Next(_files.Length));
                break;
            case 8:
                _request = (++_number).ToString(CultureInfo.InvariantCulture);
                break;
            case 9:
                _secret = null;
                break;
            case 10 when _secret is not null:
                _isExcused |= _roles.Values.All(role => role.CanLogIn);
                _secret = _secret with { Password = $"edited-{++_number}" };
                break;
            case 11:
                // Another operator begins: it remembers nothing.
                _settledFor = null;
                break;
        }
    }

    public void Settle()
    {
        Reconcile(writes: int.MaxValue);
        for (var i = 0; i < _files.Length; i++)
            Refresh(i);
    }

    // The operator dies after a number of writes.
    private void Reconcile(int writes)
    {
        if (_secret is null)
        {
            _secret = _connection ?? new AppCredentials(AppCredentials.First, $"made-{++_number}", null);
            if (writes-- <= 0)
                return;
        }

        if (PasswordRotation.FindNext(_status, _request, DigestOf(_secret), IsKnownSettled) is { } next)
        {
            _secret = new AppCredentials(AppCredentials.OtherOf(_secret.Role), $"made-{++_number}", next);
            return;
        }

        var (own, other) = (_roles[_secret.Role], _roles[AppCredentials.OtherOf(_secret.Role)]);
        // As Place does it, with verifiers that are passwords.
        if (own.CanLogIn && !other.CanLogIn && own.Password != _secret.Password)
        {
            _secret = _secret with { Role = AppCredentials.OtherOf(_secret.Role) };
            if (writes-- <= 0)
                return;
        }

        if (_roles[_secret.Role] != (true, _secret.Password))
        {
            _roles[_secret.Role] = (true, _secret.Password);
            if (writes-- <= 0)
                return;
        }

        if (_connection != _secret)
        {
            _connection = _secret;
            if (writes-- <= 0)
                return;
        }

        var former = AppCredentials.OtherOf(_secret.Role);
        var sessions = _sessions.Any(one => one.Contains(former)) ? new[] { new FormerSession("10.0.0.7", PasswordRetirement.Application, 1) } : [];
        var answer = new FormerRole(_roles[former].CanLogIn, sessions);
        switch (PasswordRetirement.Next(Primary, new Dictionary<string, FormerRole?> { [Primary] = answer }, isStrict: true, new Dictionary<string, string>()))
        {
            case PasswordRetirement.Refuse:
                _roles[former] = (false, null);
                break;
            case PasswordRetirement.End:
                foreach (var process in _sessions)
                    process.Remove(former);
                break;
            case PasswordRetirement.Done:
                _settledFor = _secret.ToString() + _secret.Password;
                break;
        }

        if (writes-- > 0)
            _status = PasswordRotation.Follow(_status, _request, DigestOf(_secret), IsKnownSettled, null, DateTimeOffset.UnixEpoch);
    }

    private bool IsKnownSettled => _secret is not null && _settledFor == _secret.ToString() + _secret.Password;

    private static byte[]? DigestOf(AppCredentials secret) => secret.Request is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(secret.Request));

    // A process takes what its file says once it works, and ends its former connections.
    private void Refresh(int process)
    {
        if (_connection is null || !Works(_connection))
            return;
        _files[process] = _connection;
        _sessions[process].Clear();
        _sessions[process].Add(_connection.Role);
        if (_connection == _secret && _files.All(file => file == _connection))
            _isExcused = false;
    }

    private void LogIn(int process)
    {
        if (_files[process] is not { } has)
            return;
        Assert.True(Works(has) || _isExcused, $"A process cannot log in as {has.Role}: {this}");
        if (Works(has))
            _sessions[process].Add(has.Role);
    }

    private bool Works(AppCredentials credentials) => _roles[credentials.Role] == (true, credentials.Password);
}
