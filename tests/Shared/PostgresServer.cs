using System.Diagnostics;

namespace Troupe.Tests.Shared;

/// <summary>A PostgreSQL of one's own, reached by a unix socket in its folder alone; leaves nothing behind.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _folder;
    private Process? _server;

    private PostgresServer(string folder) => _folder = folder;

    public string ConnectionString => $"Host={_folder};Username=troupe;Database=postgres";

    /// <exception cref="InvalidOperationException">There is no PostgreSQL here, or it does not start; the message has what it printed.</exception>
    public static async Task<PostgresServer> StartAsync()
    {
        var server = new PostgresServer(Directory.CreateTempSubdirectory("trp-pg-").FullName);
        try
        {
            if (Environment.UserName == "root")
                await RunAsync("chown", "postgres:", server._folder);
            using (var initdb = server.Start("initdb", "-D", server.Data, "-U", "troupe", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"))
                await EndAsync(initdb);
            server._server = server.Start("postgres", "-D", server.Data, "-k", server._folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB");
            await server.WaitUntilItAnswersAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { HasExited: false })
        {
            // SIGINT is PostgreSQL's fast shutdown; it ends its children.
            await RunAsync("kill", "-INT", $"{_server.Id}");
            await _server.WaitForExitAsync();
        }

        _server?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Data => Path.Combine(_folder, "data");

    private async Task WaitUntilItAnswersAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            using var asked = Start("pg_isready", "-q", "-h", _folder);
            await asked.WaitForExitAsync(deadline.Token);
            if (asked.ExitCode == 0)
                return;
            if (_server!.HasExited)
                throw new InvalidOperationException($"postgres ended: {await _server.StandardError.ReadToEndAsync(deadline.Token)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
        }
    }

    /// <summary>PostgreSQL refuses to run as root; Debian's package brings the user.</summary>
    private Process Start(string program, params string[] args)
    {
        var bin = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(v => Path.Combine(v, "bin", program)).LastOrDefault(File.Exists)
            : null;
        if (bin is null)
            throw new InvalidOperationException("PostgreSQL is missing: apt-get install postgresql");
        string[] command = Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", bin, .. args] : [bin, .. args];
        return Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    private static async Task RunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await EndAsync(process);
    }

    private static async Task EndAsync(Process process)
    {
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{process.StartInfo.FileName}: {await error}{await output}");
    }
}
