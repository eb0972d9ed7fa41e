using System.Xml.Linq;

namespace Troupe.Launcher.Tests.Parity;

/// <summary>One element of a domain: where it is, and its attributes and text in one line.</summary>
internal sealed record DomainFact(string Path, string Value);

/// <summary>A domain as a set of facts, in which the order of elements and attributes does not count.</summary>
internal static class DomainFacts
{
    // Random, or of the run and not of the spec.
    private static readonly string[] Ignored = ["/domain/uuid", "/domain/metadata/kubevirt/uid", "/domain/devices/interface/mac", "/domain/devices/interface/target", "/domain/devices/interface/mtu"];
    private static readonly string[] RandomEntries = ["uuid", "serial"];

    public static IReadOnlyList<DomainFact> Of(XElement domain)
    {
        List<DomainFact> facts = [];
        Add(domain, "", facts);
        return facts;
    }

    private static void Add(XElement element, string parent, List<DomainFact> facts)
    {
        var path = $"{parent}/{element.Name.LocalName}";
        if (Ignored.Contains(Plain(path)))
            return;
        var isRandom = element.Name.LocalName == "entry" && RandomEntries.Contains(element.Attribute("name")?.Value);
        var text = element.HasElements ? "" : element.Value.Trim();
        // The same kernel, in another folder.
        if (element.Name.LocalName is "kernel" or "initrd")
            text = System.IO.Path.GetFileName(text);
        var attributes = element.Attributes().Where(a => !a.IsNamespaceDeclaration).OrderBy(a => a.Name.LocalName, StringComparer.Ordinal).Select(a => $"{a.Name.LocalName}={a.Value}");
        facts.Add(new DomainFact(path, string.Join(' ', attributes) + (isRandom || text.Length == 0 ? "" : $" '{text}'")));
        foreach (var child in element.Elements())
            Add(child, Key(element) is { } key ? $"{path}[{key}]" : path, facts);
    }

    /// <summary>Tells equal siblings apart.</summary>
    private static string? Key(XElement element) => element.Name.LocalName is "disk" or "interface"
        ? element.Element("alias")?.Attribute("name")?.Value
        : element.Name.LocalName is "channel" ? element.Element("target")?.Attribute("name")?.Value : null;

    internal static string Plain(string path) => System.Text.RegularExpressions.Regex.Replace(path, @"\[[^]]*\]", "");
}
