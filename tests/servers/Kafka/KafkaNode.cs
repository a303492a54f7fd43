using System.Globalization;
using Confluent.Kafka;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kafka;

/// <summary>One Kafka process, broker and controller in one. Operations return when their effect is there.</summary>
public sealed class KafkaNode : IAsyncDisposable
{
    private static readonly TimeSpan FormatLimit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    private readonly KafkaPrograms _programs;
    private readonly ServerFolder _folder;
    private readonly int _controllerPort = Ports.Take();
    private readonly int _passwordPort = Ports.Take();
    private readonly int _certificatePort = Ports.Take();
    private ServerProcess? _process;

    internal KafkaNode(int id, KafkaPrograms programs, ServerFolder folder)
    {
        Id = id;
        _programs = programs;
        _folder = folder;
    }

    /// <summary>Number of the node, from 1.</summary>
    public int Id { get; }

    /// <summary>Its port for clients; the same in all its lives.</summary>
    public int Port { get; } = Ports.Take();

    /// <summary>Where clients connect to.</summary>
    public string EndPoint => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>Where clients connect to with a password, by TLS.</summary>
    public string PasswordEndPoint => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_passwordPort}");

    /// <summary>Where clients connect to with a certificate, by TLS.</summary>
    public string CertificateEndPoint => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_certificatePort}");

    /// <summary>Number of its process; null while it does not run.</summary>
    public int? ProcessId => _process is { IsRunning: true } process ? process.Id : null;

    /// <summary>The node among the voters of the metadata.</summary>
    internal string Voter => string.Create(CultureInfo.InvariantCulture, $"{Id}@127.0.0.1:{_controllerPort}");

    private string Name => string.Create(CultureInfo.InvariantCulture, $"kafka-{Id}");

    /// <summary>Starts the node again on its data. Returns when it answers as one of the cluster. Does nothing while it runs.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_process is { IsRunning: true })
            return;
        if (_process is not null)
            await _process.DisposeAsync();
        // The first compiler only, and a small heap: a node lives for a few tests.
        string[] command =
        [
            _programs.Java,
            "-Xms96m",
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.net.preferIPv4Stack=true",
            "-Djava.awt.headless=true",
            "-cp",
            Path.Combine(_programs.Libraries, "*"),
            "kafka.Kafka",
            PathOf("server.properties"),
        ];
        _process = await ServerProcess.StartAsync(Name, command, _folder.PathOf(Name), _folder.PathOf(Name + ".log"), cancellationToken);
        await _process.WaitUntilReadyAsync(FindMissingAsync, cancellationToken);
    }

    /// <summary>Stops the node in order (SIGTERM).</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Running("Stopping a node").EndAsync(Signals.Terminate, cancellationToken);

    /// <summary>Kills the process at once (SIGKILL). What it acknowledged is in its files.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => Running("Killing a node").KillAsync(cancellationToken);

    /// <summary>Stops the process where it is (SIGSTOP): connections stay and are accepted, and nothing answers.</summary>
    public Task FreezeAsync(CancellationToken cancellationToken) => Running("Freezing a node").FreezeAsync(cancellationToken);

    /// <summary>Lets a frozen node go on.</summary>
    public void Resume() => Running("Resuming a node").Resume();

    /// <summary>Ends the node.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            await process.DisposeAsync();
        }
    }

    /// <summary>Writes the settings and prepares the folder of a new node.</summary>
    /// <param name="cluster">Name of the cluster.</param>
    /// <param name="settings">Settings of all nodes.</param>
    /// <param name="user">Name and password of the user of the places with TLS; null: there are none.</param>
    /// <param name="cancellationToken">Stops.</param>
    internal async Task FormatAsync(
        string cluster,
        IEnumerable<KeyValuePair<string, string>> settings,
        (string Name, string Password)? user,
        CancellationToken cancellationToken
    )
    {
        Directory.CreateDirectory(_folder.PathOf(Name));
        Dictionary<string, string> own = new()
        {
            ["process.roles"] = "broker,controller",
            ["node.id"] = Id.ToString(CultureInfo.InvariantCulture),
            ["controller.listener.names"] = "CONTROLLER",
            ["listeners"] = string.Create(CultureInfo.InvariantCulture, $"PLAINTEXT://127.0.0.1:{Port},CONTROLLER://127.0.0.1:{_controllerPort}"),
            ["advertised.listeners"] = $"PLAINTEXT://{EndPoint}",
            ["listener.security.protocol.map"] = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            ["inter.broker.listener.name"] = "PLAINTEXT",
            ["log.dirs"] = PathOf("log"),
        };
        if (user is not null)
        {
            own["listeners"] += $",PASSWORD://{PasswordEndPoint},CERTIFICATE://{CertificateEndPoint}";
            own["advertised.listeners"] += $",PASSWORD://{PasswordEndPoint},CERTIFICATE://{CertificateEndPoint}";
            own["listener.security.protocol.map"] += ",PASSWORD:SASL_SSL,CERTIFICATE:SSL";
            own["listener.name.password.sasl.enabled.mechanisms"] = "SCRAM-SHA-512";
            own["listener.name.password.scram-sha-512.sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
            own["listener.name.certificate.ssl.client.auth"] = "required";
            own["ssl.keystore.type"] = own["ssl.truststore.type"] = "PEM";
            own["ssl.keystore.location"] = PathOf("broker.pem");
            own["ssl.truststore.location"] = PathOf("ca.pem");
        }

        foreach (var (name, value) in settings)
            own[name] = value;
        await File.WriteAllLinesAsync(PathOf("server.properties"), own.Select(setting => $"{setting.Key}={setting.Value}"), cancellationToken);
        string[] command =
        [
            _programs.Java,
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            Path.Combine(_programs.Libraries, "*"),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            cluster,
            "-c",
            PathOf("server.properties"),
            .. user is { } known ? new[] { "--add-scram", $"SCRAM-SHA-512=[name={known.Name},password={known.Password}]" } : [],
        ];
        await Tool.RunAsync(command, _folder.PathOf(Name), FormatLimit, cancellationToken);
    }

    /// <summary>Writes the keys that the node has from its next start on.</summary>
    internal async Task WriteKeysAsync(KafkaKeys keys, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_folder.PathOf(Name));
        await File.WriteAllTextAsync(PathOf("broker.pem"), keys.Broker, cancellationToken);
        await File.WriteAllTextAsync(PathOf("ca.pem"), keys.Authority, cancellationToken);
    }

    /// <summary>What is missing until the node answers as a broker of the cluster; null when it does.</summary>
    internal Task<string?> FindMissingAsync(CancellationToken cancellationToken) => Task.Run(FindMissing, cancellationToken);

    private string? FindMissing()
    {
        using var client = KafkaCluster.CreateAdmin(EndPoint);
        try
        {
            var brokers = client.GetMetadata(AnswerLimit).Brokers;
            return brokers.Any(broker => broker.BrokerId == Id) ? null : $"it knows {brokers.Count} brokers without itself";
        }
        catch (KafkaException error)
        {
            return error.Error.Reason;
        }
    }

    private string PathOf(string name) => Path.Combine(_folder.PathOf(Name), name);

    private ServerProcess Running(string operation) =>
        _process is { IsRunning: true } process ? process : throw new InvalidOperationException($"{operation}: {Name} does not run.");
}
