using System.Xml.Linq;

namespace Troupe.Launcher.Converter;

internal static class VcpuXml
{
    public static XElement Vcpu(CpuTopology cpus) => new("vcpu", new XAttribute("placement", "static"), cpus.Most);

    /// <summary>Those of the first socket are always there; the others come and go.</summary>
    public static XElement? Vcpus(CpuTopology cpus)
    {
        if (!cpus.CanHotplug)
            return null;
        var element = new XElement("vcpus");
        for (var id = 0L; id < cpus.Most; id++)
        {
            element.Add(new XElement("vcpu",
                new XAttribute("id", id),
                new XAttribute("enabled", id < cpus.Count ? "yes" : "no"),
                new XAttribute("hotpluggable", id < cpus.Cores * cpus.Threads ? "no" : "yes")));
        }

        return element;
    }
}
