using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Network;

internal static class IpBatch
{
    /// <summary>Runs lines of <c>ip</c> in one process (starting it is most of the cost), stopping at the first failure.</summary>
    public static async Task RunAsync(IReadOnlyList<string> lines, string? netns = null, CancellationToken ct = default)
    {
        var result = await TryAsync(lines, netns, force: false, ct);
        if (!result.Ok) throw new HostException($"ip ({string.Join("; ", lines)}): {result.Explanation}");
    }

    /// <summary>With <paramref name="force"/> goes on after failing lines (removals of what may be gone).</summary>
    public static Task<CommandResult> TryAsync(IReadOnlyList<string> lines, string? netns = null, bool force = false, CancellationToken ct = default)
    {
        List<string> arguments = netns is null ? [] : ["-n", netns];
        if (force) arguments.Add("-force");
        arguments.AddRange(["-batch", "-"]);
        return Command.RunAsync("ip", arguments, string.Join('\n', lines) + "\n", ct);
    }
}
