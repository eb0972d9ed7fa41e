using System.Globalization;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>Which host CPUs the guest's threads run on, where it has them to itself.</summary>
/// <param name="Vcpus">By the vCPU's number.</param>
/// <param name="Emulator">Of QEMU's own threads; empty where they may run on all.</param>
/// <param name="IoThreads">By thread.</param>
internal sealed record CpuPins(IReadOnlyList<int> Vcpus, IReadOnlyList<int> Emulator, IReadOnlyDictionary<int, IReadOnlyList<int>> IoThreads)
{
    private const string Field = "spec.domain.cpu.dedicatedCpuPlacement";
    private const string EvenParity = "alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity";

    /// <exception cref="UnsupportedSpecException">The pod has too few CPUs.</exception>
    public static CpuPins Of(DomainSource source)
    {
        var (cpu, cpus) = (source.Domain.Cpu!, source.Cpus);
        var pool = new CpuPool(source.Host, (int)cpus.Threads, mayCrossNodes: !NumaXml.IsMapped(source));
        var vcpus = pool.FitCores((int)(cpus.Sockets * cpus.Cores), Field);
        var threads = Converter.IoThreads.Of(source.Domain)?.Count ?? 0;
        Dictionary<int, IReadOnlyList<int>> ofPool = [];
        // The pool's CPUs are the pod's beside those of the vCPUs, and count for the parity.
        if (Converter.IoThreads.IsPool(source.Domain))
        {
            for (var thread = 1; thread <= threads; thread++)
                ofPool[thread] = [pool.FitThread(Field, $"I/O thread {thread}")];
        }

        List<int> emulator = [];
        if (cpu.IsolateEmulatorThread is true)
        {
            emulator.Add(pool.FitThread(Field, "the emulator"));
            if (source.Annotation(EvenParity) is not null && (vcpus.Count + ofPool.Count) % 2 == 0)
                emulator.Add(pool.FitThread(Field, "the emulator's second thread"));
        }

        return new CpuPins(vcpus, emulator, ofPool.Count > 0 || threads == 0 ? ofPool : OfIoThreads(threads, vcpus.Count, emulator, [.. source.Host.Cpus.Order()]));
    }

    /// <summary>Threads that have no CPUs of their own share the emulator's, or those of the vCPUs as evenly as it goes.</summary>
    private static Dictionary<int, IReadOnlyList<int>> OfIoThreads(int threads, int vcpus, IReadOnlyList<int> emulator, IReadOnlyList<int> all)
    {
        if (emulator.Count > 0)
            return new Dictionary<int, IReadOnlyList<int>> { [1] = emulator };
        if (threads >= vcpus)
            return Enumerable.Range(1, threads).ToDictionary(t => t, t => (IReadOnlyList<int>)[all[t % vcpus]]);
        Dictionary<int, IReadOnlyList<int>> pins = [];
        var next = 0;
        for (var thread = 1; thread <= threads; thread++)
        {
            var share = (vcpus / threads) + (thread <= vcpus % threads ? 1 : 0);
            pins[thread] = [.. all.Skip(next).Take(share)];
            next += share;
        }

        return pins;
    }
}

internal static class CpuTuneXml
{
    public static XElement? CpuTune(DomainSource source)
    {
        if (!source.HasDedicatedCpus)
            return null;
        var pins = CpuPins.Of(source);
        var tune = new XElement("cputune", pins.Vcpus.Select((cpu, vcpu) => new XElement("vcpupin", new XAttribute("vcpu", vcpu), new XAttribute("cpuset", cpu))));
        if (pins.Emulator.Count > 0)
            tune.Add(new XElement("emulatorpin", Set(pins.Emulator)));
        tune.Add(pins.IoThreads.OrderBy(t => t.Key).Select(t => new XElement("iothreadpin", new XAttribute("iothread", t.Key), Set(t.Value))));
        if (source.Domain.Cpu!.Realtime is { } realtime)
        {
            tune.Add(new XElement("vcpusched", new XAttribute("vcpus", realtime.Mask is { Length: > 0 } mask ? mask : $"0-{pins.Vcpus.Count - 1}"),
                new XAttribute("scheduler", "fifo"), new XAttribute("priority", 1)));
        }

        return tune;
    }

    private static XAttribute Set(IReadOnlyList<int> cpus) => new("cpuset", string.Join(',', cpus.Select(c => c.ToString(CultureInfo.InvariantCulture))));
}
