using System.Globalization;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>Nodes, the files of their pods and the Secret, with the decisions of the real operator.</summary>
internal sealed class RedisPasswordModel
{
    private static readonly string[] Names = ["a", "b", "c"];

    private readonly Dice _dice;
    private readonly Dictionary<string, HashSet<string>> _accepted = [];
    private readonly Dictionary<string, string> _links = [];
    private readonly Dictionary<string, string> _files = [];

    // The password with which the app knows to connect.
    private string _connection = "made-0";
    private string? _connectionFormer;
    private string _app = "made-0";
    private RedisPasswords _secret = new("made-0");
    private int _number;

    public RedisPasswordModel(Dice dice)
    {
        _dice = dice;
        foreach (var name in Names)
        {
            _files[name] = "made-0";
            Start(name);
        }
    }

    public bool IsSettled =>
        _secret is { Next: null, Former: null } && _accepted.Values.All(accepted => accepted.SetEquals([_secret.Current])) && _connection == _secret.Current;

    public override string ToString() =>
        $"{_secret.Current} {_secret} {_connection} {_app}; {string.Join("; ", _accepted.Select(node => $"{node.Key} {string.Join(',', node.Value)} {_files[node.Key]}"))}";

    public void Step()
    {
        var pod = Names[_dice.Next(Names.Length)];
        switch (_dice.Next(9))
        {
            case 0 or 1 or 2 or 3:
                Reconcile();
                break;
            case 4:
                _files[pod] = _secret.Current;
                break;
            case 5:
                _app = _connection;
                break;
            case 6:
                // The container starts again, with the file as it is.
                Start(pod);
                break;
            case 7 when _secret is { Next: null, Former: null }:
                _secret = _secret with { Next = Make() };
                break;
            case 8 when _dice.Next(4) == 0:
                // Lost together with the operator: the connection is all that is left.
                _secret = new RedisPasswords(_connection) { Former = _connectionFormer };
                break;
        }

        // Every node can be asked, and the app can connect: it has the current password or the former one, and each is accepted until the app has the other.
        Assert.All(_accepted, node => Assert.True(node.Value.Contains(_secret.Current) || _secret.Others.Any(node.Value.Contains), $"{node.Key}: {this}"));
    }

    public void Settle()
    {
        Reconcile();
        foreach (var name in Names)
            _files[name] = _secret.Current;
        _app = _connection;
    }

    private void Connect(RedisPasswords passwords) => (_connection, _connectionFormer) = (passwords.Current, passwords.Former);

    private string Make() => $"made-{(++_number).ToString(CultureInfo.InvariantCulture)}";

    private void Start(string name)
    {
        _accepted[name] = [_files[name]];
        _links[name] = _files[name];
    }

    private void Reconcile()
    {
        Connect(_secret);
        var says = Names.ToDictionary(
            name => name,
            name =>
                (NodePasswords?)
                    new NodePasswords(
                        _accepted[name].Select(RedisPasswords.HashOf).ToHashSet(StringComparer.Ordinal),
                        RedisPasswords.HashOf(_links[name]),
                        RedisPasswords.HashOf(_files[name]),
                        [(NodePasswords.ClientOf(_app), "10.0.0.7")]
                    )
        );
        var pods = Names
            .Select(name => new RedisPod
            {
                Name = name,
                Shard = 0,
                Ordinal = 0,
            })
            .ToList();
        switch (PasswordStep.Next(_secret, pods, says, missing: null, new Dictionary<string, string>()))
        {
            case PasswordStep.Accept accept:
                _accepted[accept.Pod].Add(accept.Password);
                break;
            case PasswordStep.Link link:
                // Its master, whichever it is, accepts it.
                Assert.All(_accepted.Values, accepted => Assert.Contains(link.Password, accepted));
                _links[link.Pod] = link.Password;
                break;
            case PasswordStep.Write write:
                Connect(write.Passwords);
                // The operator may die between the two.
                if (_dice.Next(4) > 0)
                    _secret = write.Passwords;
                break;
            case PasswordStep.Retire retire:
                Assert.All(_files.Values, file => Assert.Equal(_secret.Current, file));
                Assert.Equal(_secret.Current, _app);
                _accepted[retire.Pod].RemoveWhere(password => RedisPasswords.HashOf(password) != retire.Hash);
                break;
        }
    }
}
