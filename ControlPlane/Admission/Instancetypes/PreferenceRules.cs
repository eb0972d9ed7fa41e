using Troupe.ControlPlane.Machines.Instancetypes;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instancetypes;

/// <summary>How a preference spreads vCPUs over sockets, cores and threads.</summary>
internal static class PreferenceRules
{
    private const long DefaultRatio = 2;

    /// <summary>Deprecated name of a topology to its present one.</summary>
    private static readonly Dictionary<string, string> Deprecated = new()
    {
        ["preferSockets"] = "sockets",
        ["preferCores"] = "cores",
        ["preferThreads"] = "threads",
        ["preferSpread"] = "spread",
        ["preferAny"] = "any",
    };

    public static IEnumerable<StatusCause> All(VirtualMachinePreferenceSpec? spec)
    {
        var cpu = FieldPath.Spec["cpu"];
        if (spec?.Cpu?.PreferredCPUTopology is not { } topology)
            yield break;
        if (!Deprecated.ContainsKey(topology) && !Deprecated.ContainsValue(topology))
            yield return Cause.Invalid(cpu["preferredCPUTopology"], $"unknown preferredCPUTopology {topology}");
        if (topology is not ("spread" or "preferSpread"))
            yield break;
        var (across, ratio) = CpuTopology.Spread(spec);
        if (across is not ("CoresThreads" or "SocketsCores" or "SocketsCoresThreads"))
            yield return Cause.Invalid(cpu.At("spreadOptions", "across"), $"across {across} is not supported");
        else if (across == "CoresThreads" && ratio != DefaultRatio)
            yield return Cause.Invalid(cpu.At("spreadOptions", "ratio"), "only a ratio of 2 (1 core 2 threads) is allowed when spreading vCPUs over cores and threads");
    }

    public static IReadOnlyList<string> Warnings(VirtualMachinePreferenceSpec? spec) => spec?.Cpu?.PreferredCPUTopology is { } topology && Deprecated.TryGetValue(topology, out var now)
        ? [$"PreferredCPUTopology {topology} is deprecated for removal in a future release, please use {now} instead"]
        : [];
}
