using System.Diagnostics;

namespace Troupe.Tests.Shared;

/// <summary>
/// Watches over a cluster's folder in a process of its own. A test process that is killed closes the pipe to it without a word: then
/// it ends every process that names the folder, tears the nodes down and removes the folder. An ordinary end says goodbye first.
/// </summary>
public sealed class Leftovers : IDisposable
{
    // The folder comes by the environment: on the command line it would make the guard find itself.
    private const string Script = """
        read -r goodbye && exit
        pkill -9 -f "$GUARDED/"
        "$TEARDOWN" teardown --state "$STATE" && rm -rf "$GUARDED"
        """;

    private readonly Process _guard;

    /// <param name="folder">An absolute path that no other process's command line holds; removed.</param>
    /// <param name="devCluster">The executable that tears down.</param>
    /// <param name="state">DevCluster's state directory below the folder.</param>
    public Leftovers(string folder, string devCluster, string state)
    {
        // A session of its own, so that the terminal's Ctrl-C does not end it along with the tests.
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["GUARDED"] = folder;
        start.Environment["TEARDOWN"] = devCluster;
        start.Environment["STATE"] = state;
        _guard = Process.Start(start)!;
    }

    /// <summary>As if this process had been killed: the pipe closes without a word.</summary>
    public void Abandon() => _guard.StandardInput.Close();

    public void Dispose()
    {
        _guard.StandardInput.WriteLine();
        _guard.StandardInput.Close();
        _guard.WaitForExit();
        _guard.Dispose();
    }
}
