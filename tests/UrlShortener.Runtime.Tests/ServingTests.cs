using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace UrlShortener.Runtime.Tests;

public sealed class ServingTests
{
    // Of a worker that is told to stop. Whatever is disposed of before its end is so within far less.
    private static readonly TimeSpan LastWork = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task Run_StartFailsWhileAWorkerIsAtWork_DisposesOfWhatItUsesAfterItsEnd()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var used = new Used();
            var builder = Startup
                .CreateBuilder(["--urls=http://127.0.0.1:0", $"--Storage:DataDirectory={folder.FullName}", "--Logging:LogLevel:Default=None"])
                .Builder!;
            // Made by the container, which therefore disposes of it.
            builder.Services.AddSingleton(_ => used);
            builder.Services.AddHostedService<Worker>();
            builder.Services.AddHostedService<Failing>();

            var exitCode = await Serving.RunAsync(builder);

            Assert.Equal(1, exitCode);
            Assert.True(used.HasEnded);
            Assert.True(used.IsDisposed);
            Assert.False(used.WasDisposedBeforeTheEnd);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Run_StoppedDuringTheStart_EndsAsItDoesLater()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var used = new Used();
            var builder = Startup
                .CreateBuilder(["--urls=http://127.0.0.1:0", $"--Storage:DataDirectory={folder.FullName}", "--Logging:LogLevel:Default=None"])
                .Builder!;
            builder.Services.AddSingleton(_ => used);
            builder.Services.AddHostedService<Worker>();
            builder.Services.AddHostedService<Stopping>();

            var exitCode = await Serving.RunAsync(builder);

            Assert.Equal(0, exitCode);
            Assert.True(used.HasEnded);
            Assert.True(used.IsDisposed);
            Assert.False(used.WasDisposedBeforeTheEnd);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed class Used : IDisposable
    {
        public TaskCompletionSource WorkHasBegun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Disposal { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool IsDisposed => Disposal.Task.IsCompleted;

        public bool HasEnded { get; set; }

        public bool WasDisposedBeforeTheEnd { get; set; }

        public void Dispose()
        {
            WasDisposedBeforeTheEnd |= !HasEnded;
            Disposal.TrySetResult();
        }
    }

    // Needs a moment to end what it has begun, as a batch that is being written does.
    private sealed class Worker(Used used) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            used.WorkHasBegun.SetResult();
            await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.WhenAny(used.Disposal.Task, Task.Delay(LastWork, TimeProvider.System, CancellationToken.None));
            used.HasEnded = true;
        }
    }

    private sealed class Failing(Used used) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await used.WorkHasBegun.Task.WaitAsync(cancellationToken);
            throw new InvalidOperationException("The file of a setting is missing.");
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    // A signal at a moment when the server does not listen yet.
    private sealed class Stopping(Used used, IHostApplicationLifetime lifetime) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await used.WorkHasBegun.Task.WaitAsync(cancellationToken);
            lifetime.StopApplication();
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
