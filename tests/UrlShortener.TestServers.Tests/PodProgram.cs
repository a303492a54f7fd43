using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace UrlShortener.TestServers.Tests;

/// <summary>
/// What this program does in a pod: it serves HTTP on an address and port until SIGTERM. <c>/</c> answers the variable GREETING, <c>/file</c> the file that
/// the variable FILE names.
/// </summary>
internal static class PodProgram
{
    /// <summary>The argument that chooses this instead of the tests; address and port follow.</summary>
    public const string Argument = "serve";

    /// <summary>This program's executable.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, typeof(PodProgram).Assembly.GetName().Name!);

    public static async Task<int> RunAsync(string address, string port)
    {
        using var listener = new TcpListener(IPAddress.Parse(address), int.Parse(port, CultureInfo.InvariantCulture));
        listener.Start();
        using var ended = new CancellationTokenSource();
        using var signal = PosixSignalRegistration.Create(
            PosixSignal.SIGTERM,
            context =>
            {
                context.Cancel = true;
                Console.WriteLine("asked to end");
                ended.Cancel();
            }
        );
        Console.WriteLine("serving");
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(ended.Token);
                await AnswerAsync(client);
            }
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
    }

    /// <summary>One request; the connection ends with it.</summary>
    private static async Task AnswerAsync(TcpClient client)
    {
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
            var path = (await reader.ReadLineAsync())?.Split(' ')[1];
            while (await reader.ReadLineAsync() is { Length: > 0 }) { }

            var text = path == "/file" ? await File.ReadAllTextAsync(Variable("FILE")) : Variable("GREETING");
            var answer = $"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
        catch (IOException)
        {
            // The client has gone, as the probe does that only connects.
        }
    }

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? "";
}
