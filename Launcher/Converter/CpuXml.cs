using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

internal static class CpuXml
{
    public static XElement Vcpu(CPU? cpu) => new("vcpu", new XAttribute("placement", "static"), Sockets(cpu) * Cores(cpu) * Threads(cpu));

    public static XElement Cpu(CPU? cpu, bool emulated)
    {
        var element = cpu?.Model switch
        {
            // Under emulation there is no host CPU to hand through: QEMU's plain model boots fastest, its fullest comes nearest to the host's.
            null or "" or "host-model" => emulated ? Custom("qemu64") : new XElement("cpu", new XAttribute("mode", "host-model")),
            "host-passthrough" => new XElement("cpu", new XAttribute("mode", emulated ? "maximum" : "host-passthrough")),
            var model => Custom(model),
        };
        element.Add(new XElement("topology", new XAttribute("sockets", Sockets(cpu)), new XAttribute("cores", Cores(cpu)), new XAttribute("threads", Threads(cpu))));
        foreach (var feature in cpu?.Features ?? [])
            element.Add(new XElement("feature", new XAttribute("name", feature.Name ?? ""), new XAttribute("policy", feature.Policy is { Length: > 0 } policy ? policy : "require")));
        return element;
    }

    private static XElement Custom(string model) =>
        new("cpu", new XAttribute("mode", "custom"), new XAttribute("match", "exact"), new XAttribute("check", "none"), new XElement("model", new XAttribute("fallback", "forbid"), model));

    private static long Sockets(CPU? cpu) => Math.Max(1, cpu?.Sockets ?? 1);

    private static long Cores(CPU? cpu) => Math.Max(1, cpu?.Cores ?? 1);

    private static long Threads(CPU? cpu) => Math.Max(1, cpu?.Threads ?? 1);
}
