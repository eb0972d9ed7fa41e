using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

internal static class CpuXml
{
    public static XElement Cpu(DomainSource source)
    {
        var (cpu, cpus, emulated) = (source.Domain.Cpu, source.Cpus, source.Context.UseEmulation);
        var element = cpu?.Model switch
        {
            // Under emulation there is no host CPU to hand through: QEMU's plain model boots fastest, its fullest comes nearest to the host's.
            null or "" or "host-model" => emulated ? Custom("qemu64", emulated) : new XElement("cpu", new XAttribute("mode", "host-model")),
            "host-passthrough" => new XElement("cpu", new XAttribute("mode", emulated ? "maximum" : "host-passthrough")),
            var model => Custom(model, emulated),
        };
        foreach (var feature in cpu?.Features ?? [])
            element.Add(Feature(feature.Name ?? "", feature.Policy));
        // Newer CPUs lack what the older model's definition lists, and libvirt then would refuse the model.
        if (IsNamed(cpu?.Model) && cpu?.Features?.Any(f => f.Name is "mpx") is not true)
            element.Add(Feature("mpx", "disable"));
        element.AddFirst(NumaXml.Cells(source));
        element.AddFirst(new XElement("topology", new XAttribute("sockets", Math.Max(cpus.Sockets, cpus.MaxSockets)), new XAttribute("cores", cpus.Cores), new XAttribute("threads", cpus.Threads)));
        return element;
    }

    private static bool IsNamed(string? model) => model is not (null or "" or "host-model" or "host-passthrough");

    private static XElement Custom(string model, bool emulated) => new("cpu", new XAttribute("mode", "custom"),
        // What TCG cannot emulate is left out instead of being an error.
        emulated ? new object[] { new XAttribute("match", "exact"), new XAttribute("check", "none") } : null,
        new XElement("model", emulated ? new XAttribute("fallback", "forbid") : null, model));

    /// <summary>Without a policy libvirt requires it.</summary>
    private static XElement Feature(string name, string? policy) => new("feature", new XAttribute("name", name), policy is { Length: > 0 } ? new XAttribute("policy", policy) : null);
}
