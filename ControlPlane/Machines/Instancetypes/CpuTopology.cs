using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Machines.Instancetypes;

/// <summary>How an instance type's vCPUs are laid out as sockets, cores and threads.</summary>
public static class CpuTopology
{
    private const long DefaultRatio = 2;
    private const long ThreadsPerCore = 2;

    public static CPU Apply(CPU cpu, long guests, VirtualMachinePreferenceSpec? preference) => Layout(guests, preference) is var (sockets, cores, threads)
        ? cpu with { Sockets = sockets, Cores = cores, Threads = threads }
        : cpu;

    /// <summary>Deprecated names (preferSockets and so on) mean the same.</summary>
    public static string Preferred(VirtualMachinePreferenceSpec? preference) => preference?.Cpu?.PreferredCPUTopology switch
    {
        "cores" or "preferCores" => "cores",
        "threads" or "preferThreads" => "threads",
        "spread" or "preferSpread" => "spread",
        "any" or "preferAny" => "any",
        _ => "sockets",
    };

    /// <summary>How many cores a spread gives each socket, or threads each core.</summary>
    public static (string Across, long Ratio) Spread(VirtualMachinePreferenceSpec? preference)
    {
        var options = preference?.Cpu?.SpreadOptions;
        var ratio = options?.Ratio ?? (preference?.PreferSpreadSocketToCoreRatio is > 0 and var old ? old : DefaultRatio);
        return (options?.Across ?? "SocketsCores", ratio);
    }

    /// <summary>Why an instance type's vCPUs can't be spread as the preference wants it; null when they can.</summary>
    public static string? SpreadProblem(VirtualMachineInstancetypeSpec? instancetype, VirtualMachinePreferenceSpec? preference)
    {
        if (instancetype is null || Preferred(preference) != "spread")
            return null;
        var guests = instancetype.Cpu?.Guest ?? 0;
        var (across, ratio) = Spread(preference);
        var uneven = $"{guests} vCPUs provided by the instance type are not divisible by the";
        return across switch
        {
            "CoresThreads" when guests % ratio > 0 => $"{uneven} number of threads per core {ratio}",
            "SocketsCoresThreads" when guests % ThreadsPerCore > 0 || guests / ThreadsPerCore % ratio > 0 =>
                $"{uneven} number of threads per core {ThreadsPerCore} and Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio of {ratio}",
            "SocketsCores" when guests % ratio > 0 =>
                $"{uneven} Spec.PreferSpreadSocketToCoreRatio or Spec.CPU.PreferSpreadOptions.Ratio of {ratio} provided by the preference",
            _ => null,
        };
    }

    private static (long Sockets, long Cores, long Threads) Layout(long guests, VirtualMachinePreferenceSpec? preference)
    {
        var (across, ratio) = Spread(preference);
        return (Preferred(preference), across) switch
        {
            _ when guests == 1 => (1, 1, 1),
            ("cores", _) => (1, guests, 1),
            ("threads", _) => (1, 1, guests),
            ("spread", "CoresThreads") => (1, guests / ratio, ratio),
            ("spread", "SocketsCoresThreads") => (guests / ratio / ThreadsPerCore, ratio, ThreadsPerCore),
            ("spread", _) => (guests / ratio, ratio, 1),
            _ => (guests, 1, 1),
        };
    }
}
