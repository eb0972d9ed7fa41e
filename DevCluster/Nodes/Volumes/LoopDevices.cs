using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Volumes;

/// <summary>Files as block devices. The kernel remembers which device shows which file, so nothing is noted here.</summary>
internal sealed class LoopDevices
{
    // Two pods that start at once must not get two devices for one file: their caches would not agree.
    private readonly SemaphoreSlim gate = new(1);

    public async Task<string> AttachAsync(string file, CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            return await FindAsync(file, ct) ?? (await Command.RequireAsync("losetup", ["--find", "--show", file], ct: ct)).Trim();
        }
        finally
        {
            gate.Release();
        }
    }

    public async Task DetachAsync(string file, CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            if (await FindAsync(file, ct) is { } device) await Command.RequireAsync("losetup", ["--detach", device], ct: ct);
        }
        finally
        {
            gate.Release();
        }
    }

    public async Task RereadSizeAsync(string file, CancellationToken ct)
    {
        if (await FindAsync(file, ct) is { } device) await Command.RequireAsync("losetup", ["--set-capacity", device], ct: ct);
    }

    /// <summary>All devices whose file lies below a directory, for the teardown.</summary>
    public static async Task DetachBelowAsync(string directory)
    {
        foreach (var line in (await Command.RunAsync("losetup", ["--list", "--noheadings", "--output", "NAME,BACK-FILE"])).Output.Split('\n'))
        {
            if (line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [var device, var file] && file.StartsWith(directory + "/", StringComparison.Ordinal))
                await Command.RunAsync("losetup", ["--detach", device]);
        }
    }

    private static async Task<string?> FindAsync(string file, CancellationToken ct)
    {
        if (!File.Exists(file)) return null;
        var result = await Command.RequireAsync("losetup", ["--noheadings", "--output", "NAME", "--associated", file], ct: ct);
        return result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
    }
}
