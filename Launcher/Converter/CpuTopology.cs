using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>How many CPUs a guest has, and how many it may get while it runs.</summary>
/// <param name="MaxSockets">0 when CPUs cannot be plugged in.</param>
public sealed record CpuTopology(long Sockets, long Cores, long Threads, long MaxSockets)
{
    public long Count => Sockets * Cores * Threads;

    public long Most => Math.Max(Sockets, MaxSockets) * Cores * Threads;

    public bool CanHotplug => MaxSockets > 0;

    public static CpuTopology Of(CPU? cpu) => new(Math.Max(1, cpu?.Sockets ?? 1), Math.Max(1, cpu?.Cores ?? 1), Math.Max(1, cpu?.Threads ?? 1), Math.Max(0, cpu?.MaxSockets ?? 0));
}
