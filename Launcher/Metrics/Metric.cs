using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Troupe.Launcher.Metrics;

/// <summary>One figure that a guest is told of itself or of its host, as vhostmd writes it.</summary>
/// <param name="Context"><c>host</c> or <c>vm</c>.</param>
internal sealed record Metric(string Context, string Type, string Name, string Value, string? Unit)
{
    private const string Host = "host";
    private const string Vm = "vm";

    public static Metric OfHost(string name, string value) => new(Host, "string", name, value, null);

    public static Metric OfHost(string name, long value, string? unit = null) => new(Host, "int64", name, value.ToString(CultureInfo.InvariantCulture), unit);

    public static Metric OfHost(string name, ulong value, string unit) => new(Host, "uint64", name, value.ToString(CultureInfo.InvariantCulture), unit);

    public static Metric OfHost(string name, double value, string unit) => new(Host, "real64", name, value.ToString("F6", CultureInfo.InvariantCulture), unit);

    public static Metric OfVm(string name, long value) => new(Vm, "int64", name, value.ToString(CultureInfo.InvariantCulture), null);

    public static Metric OfVm(string name, ulong value, string unit) => new(Vm, "uint64", name, value.ToString(CultureInfo.InvariantCulture), unit);

    public static Metric OfVm(string name, double value, string unit) => new(Vm, "real64", name, value.ToString("F6", CultureInfo.InvariantCulture), unit);

    /// <summary>The document, without a line's end after it.</summary>
    public static byte[] Document(IEnumerable<Metric> metrics) => Encoding.UTF8.GetBytes(new XElement("metrics", metrics.Select(m => new XElement("metric",
        new XAttribute("type", m.Type), new XAttribute("context", m.Context), m.Unit is null ? null : new XAttribute("unit", m.Unit),
        new XElement("name", m.Name), new XElement("value", m.Value)))).ToString());
}
