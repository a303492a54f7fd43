using System.IO.Pipes;
using System.Runtime.InteropServices;

namespace UrlShortener.ClickHouseHost;

/// <summary>
/// ClickHouse as the library libchdb.so. Its command line is that of clickhouse-local, which can open the listeners of the server: HTTP and the native protocol.
/// This process is then a server, and has nothing else to do, because the engine may end it.
/// </summary>
internal static unsafe partial class Engine
{
    private const int StackBytes = 64 * 1024 * 1024;
    private const int Failed = 3;

    /// <summary>Serves until SIGTERM or SIGINT; does not return.</summary>
    public static int Run(string library, IReadOnlyList<string> arguments)
    {
        // The engine lives as long as its last statement, which reads this pipe.
        using var hold = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, EndStatement);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, EndStatement);
        var statements =
            "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
            + $"SELECT count() FROM file('/proc/self/fd/{hold.ClientSafePipeHandle.DangerousGetHandle()}', 'LineAsString', 'l String') "
            + "SETTINGS log_queries = 0, max_execution_time = 0 FORMAT Null";

        string? error = null;
        var engine = new Thread(() => error = Serve(library, ["clickhouse", .. arguments, $"--query={statements}"]), StackBytes);
        engine.Start();
        engine.Join();
        if (error is not null)
            Console.Error.WriteLine(error);
        // Without the handlers of the library for the end of a process: they race with its own threads, which was seen to abort the process.
        Exit(error is null ? 0 : Failed);
        return 0;

        void EndStatement(PosixSignalContext context)
        {
            context.Cancel = true;
            hold.Dispose();
        }
    }

    /// <summary>Runs a command line of clickhouse-local to its end; returns its error, or null.</summary>
    private static string? Serve(string library, IReadOnlyList<string> commandLine)
    {
        var handle = NativeLibrary.Load(library);
        // .NET needs its own handler of SIGSEGV.
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(handle, "chdb_set_signal_handlers_enabled"))(0);
        var run = (delegate* unmanaged<int, byte**, nint>)NativeLibrary.GetExport(handle, "chdb_query_cmdline");
        var errorOf = (delegate* unmanaged<nint, byte*>)NativeLibrary.GetExport(handle, "chdb_result_error");

        // The arguments live as long as the process.
        var arguments = (byte**)NativeMemory.AllocZeroed((nuint)commandLine.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < commandLine.Count; i++)
            arguments[i] = (byte*)Marshal.StringToCoTaskMemUTF8(commandLine[i]);
        return Marshal.PtrToStringUTF8((nint)errorOf(run(commandLine.Count, arguments)));
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
