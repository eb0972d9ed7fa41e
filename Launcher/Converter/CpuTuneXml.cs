using System.Globalization;
using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

/// <summary>Which host CPU each of the guest's threads runs on, where the guest has them to itself.</summary>
internal static class CpuTuneXml
{
    private const string Field = "spec.domain.cpu.dedicatedCpuPlacement";

    public static XElement? CpuTune(DomainSource source)
    {
        if (!source.HasDedicatedCpus)
            return null;
        var (cpu, vcpus) = (source.Domain.Cpu!, (int)source.Cpus.Count);
        var isolated = cpu.IsolateEmulatorThread is true;
        var needed = vcpus + (isolated ? 1 : 0);
        if (source.Host.Cpus.Count < needed)
            throw new UnsupportedSpecException(Field, $"the pod may use {source.Host.Cpus.Count} CPUs, {needed} are needed");
        var tune = new XElement("cputune");
        for (var vcpu = 0; vcpu < vcpus; vcpu++)
            tune.Add(new XElement("vcpupin", new XAttribute("vcpu", vcpu), new XAttribute("cpuset", source.Host.Cpus[vcpu])));
        var emulator = isolated ? $"{source.Host.Cpus[vcpus]}" : null;
        if (emulator is not null)
            tune.Add(new XElement("emulatorpin", new XAttribute("cpuset", emulator)));
        var threads = IoThreads.Of(source.Domain)?.Count ?? 0;
        for (var thread = 1; thread <= threads; thread++)
        {
            tune.Add(new XElement("iothreadpin", new XAttribute("iothread", thread),
                new XAttribute("cpuset", emulator ?? source.Host.Cpus[(thread - 1) % vcpus].ToString(CultureInfo.InvariantCulture))));
        }

        if (cpu.Realtime is { } realtime)
        {
            tune.Add(new XElement("vcpusched", new XAttribute("vcpus", realtime.Mask is { Length: > 0 } mask ? mask : $"0-{vcpus - 1}"),
                new XAttribute("scheduler", "fifo"), new XAttribute("priority", 1)));
        }

        return tune;
    }
}
