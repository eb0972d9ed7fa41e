using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Instances;

/// <summary>CPU requests, topology, features, pinning, NUMA and realtime.</summary>
internal static class CpuRules
{
    private const string Cpu = "cpu";
    private const long MaxPinnedThreads = 2;
    private static readonly HashSet<string> FeaturePolicies = ["", "force", "require", "optional", "disable", "forbid"];

    public static IEnumerable<StatusCause> RequestIsNotNegative(InstanceContext c) => NotNegative(c.RequestPath(Cpu), c.Request(Cpu));

    public static IEnumerable<StatusCause> LimitIsNotNegative(InstanceContext c) => NotNegative(c.LimitPath(Cpu), c.Limit(Cpu));

    public static IEnumerable<StatusCause> RequestIsWithinLimit(InstanceContext c)
    {
        if (c.Limit(Cpu).Milli > 0 && c.Request(Cpu).Milli > c.Limit(Cpu).Milli)
        {
            yield return Cause.Invalid(c.RequestPath(Cpu),
                $"{c.RequestPath(Cpu)} '{Quantities.Canonical(c.Request(Cpu))}' is greater than {c.LimitPath(Cpu)} '{Quantities.Canonical(c.Limit(Cpu))}'");
        }
    }

    /// <summary>Pinned vCPUs: whole CPUs, guaranteed memory, and one way only of saying how many.</summary>
    public static IEnumerable<StatusCause> Pinning(InstanceContext c)
    {
        if (c.Domain.Cpu is not { DedicatedCpuPlacement: true } cpu)
            yield break;
        var (request, limit, field) = (c.Request(Cpu), c.Limit(Cpu), c.DomainPath.At("cpu", "dedicatedCpuPlacement"));
        var vcpus = VcpusSpelledOut(cpu);
        if (MemoryRules.IsNowhereGiven(c))
        {
            yield return Cause.Invalid(c.LimitPath("memory"),
                $"{c.RequestPath("memory")}, {c.LimitPath("memory")}, {c.DomainPath.At("memory", "hugepages")} or {c.DomainPath.At("memory", "guest")} should be provided");
        }

        if (request.Units > 0 && request.Units * 1000 != request.Milli)
            yield return Cause.Invalid(c.RequestPath(Cpu), "provided resources CPU requests must be an interger");
        if (limit.Units > 0 && limit.Units * 1000 != limit.Milli)
            yield return Cause.Invalid(c.LimitPath(Cpu), "provided resources CPU limits must be an interger");
        if (c.Request("memory").Units is > 0 and var memoryRequest && c.Limit("memory").Units is > 0 and var memoryLimit && memoryRequest != memoryLimit)
            yield return Cause.Invalid(c.RequestPath("memory"), $"{c.RequestPath("memory")} must be equal to {c.LimitPath("memory")}");
        if (request.Units == 0 && limit.Units == 0 && vcpus == 0)
            yield return Cause.Invalid(field, $"either {c.RequestPath(Cpu)} or {c.LimitPath(Cpu)} or {c.DomainPath.At("cpu", "cores")} must be provided when DedicatedCPUPlacement is true ");
        if (request.Units > 0 && limit.Units > 0 && request.Units != limit.Units)
            yield return Cause.Invalid(field, $"{c.RequestPath(Cpu)} or {c.LimitPath(Cpu)} must be equal when DedicatedCPUPlacement is true ");
        if ((request.Units > 0 || limit.Units > 0) && vcpus > 0 && request.Units != vcpus && limit.Units != vcpus)
        {
            yield return Cause.Invalid(field,
                $"{c.RequestPath(Cpu)} or {c.LimitPath(Cpu)} must not be provided at the same time with {c.DomainPath.At("cpu", "cores")} when DedicatedCPUPlacement is true ");
        }

        var threads = c.DomainPath.At("cpu", "threads");
        if (cpu.Threads > 1 && c.Architecture == "arm64")
            yield return Cause.Invalid(c.Path["architecture"], $"threads must not be greater than 1 at {threads} (got {cpu.Threads}) when {c.Path["architecture"]} is arm64");
        if (cpu.Threads > MaxPinnedThreads)
            yield return Cause.Invalid(field, $"Not more than two threads must be provided at {threads} (got {cpu.Threads}) when DedicatedCPUPlacement is true");
    }

    public static IEnumerable<StatusCause> NumaPassthrough(InstanceContext c)
    {
        if (c.Domain.Cpu?.Numa?.GuestMappingPassthrough is null)
            yield break;
        var field = c.DomainPath.At("cpu", "numa", "guestMappingPassthrough");
        if (!c.IsEnabled(FeatureGates.NUMA))
            yield return Cause.Invalid(field, $"NUMA feature gate is not enabled in kubevirt-config, invalid entry {field}");
        if (c.Domain.Cpu.DedicatedCpuPlacement is not true)
            yield return Cause.Invalid(field, $"{c.DomainPath.At("cpu", "dedicatedCpuPlacement")} must be set to true when NUMA topology strategy is set in {field}");
        if (c.Domain.Memory?.Hugepages is null)
            yield return Cause.Invalid(field, $"{c.DomainPath.At("memory", "hugepages")} must be requested when NUMA topology strategy is set in {field}");
    }

    public static IEnumerable<StatusCause> EmulatorThread(InstanceContext c)
    {
        if (c.Domain.Cpu is { IsolateEmulatorThread: true } and not { DedicatedCpuPlacement: true })
            yield return Cause.Invalid(c.DomainPath.At("cpu", "isolateEmulatorThread"), "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement");
    }

    public static IEnumerable<StatusCause> Features(InstanceContext c) =>
        (c.Domain.Cpu?.Features ?? []).Index().Where(f => !FeaturePolicies.Contains(f.Item.Policy.OrEmpty())).Select(f =>
            Cause.NotSupported(c.DomainPath.At("cpu", "features")[f.Index]["policy"], $"CPU feature {f.Item.Name} uses policy {f.Item.Policy} that is not supported."));

    public static IEnumerable<StatusCause> SocketsAreWithinMaximum(InstanceContext c)
    {
        if (c.Domain.Cpu is { MaxSockets: > 0 } cpu && cpu.Sockets > cpu.MaxSockets)
            yield return Cause.Invalid(c.DomainPath.At("cpu", "sockets"), "Number of sockets in CPU topology is greater than the maximum sockets allowed");
    }

    public static IEnumerable<StatusCause> Realtime(InstanceContext c)
    {
        if (c.Domain.Cpu?.Realtime is null)
            yield break;
        var (dedicated, numa) = (c.DomainPath.At("cpu", "dedicatedCpuPlacement"), c.DomainPath.At("cpu", "numa", "guestMappingPassthrough"));
        if (c.Domain.Cpu.DedicatedCpuPlacement is not true)
            yield return Cause.Required(dedicated, $"{dedicated} must be set to true when {c.DomainPath.At("cpu", "realtime")} is used");
        if (c.Domain.Cpu.Numa?.GuestMappingPassthrough is null)
            yield return Cause.Required(numa, $"{numa} must be defined when {c.DomainPath.At("cpu", "realtime")} is used");
    }

    private static IEnumerable<StatusCause> NotNegative(FieldPath field, Quantity quantity)
    {
        if (quantity.Value < 0)
            yield return Cause.Invalid(field, $"{field} '{Quantities.Canonical(quantity)}': must be greater than or equal to 0.");
    }

    /// <summary>The product of what the topology says; zero when it says nothing.</summary>
    private static long VcpusSpelledOut(CPU cpu)
    {
        long[] factors = [.. new[] { cpu.Cores, cpu.Sockets, cpu.Threads }.Where(n => n is > 0).Select(n => n!.Value)];
        return factors.Length == 0 ? 0 : factors.Aggregate(1L, (a, b) => a * b);
    }
}
