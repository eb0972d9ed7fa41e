using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Troupe.Launcher.Hooks;

/// <summary>
/// A side-car around scripts: `onDefineDomain` and `preCloudInitIso`, wherever PATH leads to them, get their input as arguments and answer on their
/// output. It is what a side-car runs that names no image of its own.
/// </summary>
/// <param name="search">Folders with colons between, as PATH has them.</param>
internal sealed class HookShim(string version, string search, Action<string> log)
{
    private const string DefineScript = "onDefineDomain";
    private const string CloudInitScript = "preCloudInitIso";
    private readonly TaskCompletionSource _shutdown = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Of `virt-launcher --hook-shim ARGS`.</summary>
    public static async Task<int> MainAsync(string[] args)
    {
        if (VersionOf(args) is not { } version || !HookSidecars.Versions.Contains(version))
        {
            Console.Error.WriteLine($"hook shim: say --version and one of {string.Join(", ", HookSidecars.Versions.Reverse())}");
            return 1;
        }

        if (!Directory.Exists(HookSidecars.SharedFolder))
        {
            Console.Error.WriteLine($"hook shim: there is no folder {HookSidecars.SharedFolder} to meet the launcher in");
            return 1;
        }

        using var stop = new CancellationTokenSource();
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        await new HookShim(version, Environment.GetEnvironmentVariable("PATH") ?? "", Console.WriteLine).RunAsync(HookSidecars.SharedFolder, stop.Token).ConfigureAwait(false);
        return 0;
    }

    private static string? VersionOf(string[] args) => args switch
    {
        ["--version", var version] => version,
        [var joined] when joined.StartsWith("--version=", StringComparison.Ordinal) => joined["--version=".Length..],
        _ => null,
    };

    /// <summary>Until it is told that the guest has ended, or to stop.</summary>
    public async Task RunAsync(string folder, CancellationToken ct)
    {
        var socket = Path.Combine(folder, $"shim-{Guid.NewGuid().ToString("N")[..8]}.sock");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var serving = new GrpcListener(socket, HandleAsync, log).RunAsync(stop.Token);
        log($"hook shim {version} serves on {socket}");
        try
        {
            await Task.WhenAny(serving, _shutdown.Task).ConfigureAwait(false);
            if (!serving.IsCompleted)
            {
                // The answer that it was heard goes out first.
                var farewell = TimeSpan.FromMilliseconds(200);
                await Task.Delay(farewell, ct).ConfigureAwait(false);
                await stop.CancelAsync().ConfigureAwait(false);
            }

            await serving.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // It was told to.
        }
        finally
        {
            File.Delete(socket);
        }
    }

    private async Task<byte[]> HandleAsync(string method, byte[] message)
    {
        if (method == "/kubevirt.hooks.info.Info/Info")
            return Info();
        var fields = Protobuf.Fields(message);
        switch (method.Split('/')[^1])
        {
            case HookSidecars.OnDefineDomain:
                return Protobuf.Message((1, await RunAsync(DefineScript, "--vmi", Text(fields, 2), "--domain", Text(fields, 1)).ConfigureAwait(false)));
            case HookSidecars.PreCloudInitIso:
                return Protobuf.Message((3, await RunAsync(CloudInitScript, "--vmi", Text(fields, 2), "--cloud-init", Text(fields, 3)).ConfigureAwait(false)));
            case HookSidecars.OnShutdown:
                _shutdown.TrySetResult();
                return [];
            default:
                throw new HookException($"{method} is unknown here");
        }
    }

    private byte[] Info()
    {
        List<string> points = [];
        // Asked for its own sake: a script does not hear of it.
        if (version == HookSidecars.Versions[0])
            points.Add(HookSidecars.OnShutdown);
        if (Find(DefineScript) is not null)
            points.Add(HookSidecars.OnDefineDomain);
        if (Find(CloudInitScript) is not null)
            points.Add(HookSidecars.PreCloudInitIso);
        return Protobuf.Message([(1, "shim"u8.ToArray()), .. points.Select(p => (3, Protobuf.Message((1, Encoding.UTF8.GetBytes(p))))), (4, Encoding.UTF8.GetBytes(version))]);
    }

    private string? Find(string script) => search.Split(':').Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, script)).FirstOrDefault(File.Exists);

    private static string Text(List<(int Field, long Number, byte[] Bytes)> fields, int field) => Encoding.UTF8.GetString(fields.LastOrDefault(f => f.Field == field).Bytes ?? []);

    private async Task<byte[]> RunAsync(string script, params string[] args)
    {
        log($"running {script}");
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Find(script) ?? throw new HookException($"there is no {script} in {search}"), args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            using var output = new MemoryStream();
            var error = process.StandardError.ReadToEndAsync();
            await process.StandardOutput.BaseStream.CopyToAsync(output).ConfigureAwait(false);
            await process.WaitForExitAsync().ConfigureAwait(false);
            return process.ExitCode == 0 ? output.ToArray() : throw new HookException($"{script} ended with code {process.ExitCode}: {(await error.ConfigureAwait(false)).Trim()}");
        }
        catch (Win32Exception e)
        {
            throw new HookException($"{script}: {e.Message}", e);
        }
    }
}
