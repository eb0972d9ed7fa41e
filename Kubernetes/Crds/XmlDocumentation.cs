using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Troupe.Kubernetes.Crds;

/// <summary>Docstrings of an assembly, read from the XML file that the compiler puts beside it; `kubectl explain` shows them.</summary>
public sealed partial class XmlDocumentation
{
    private readonly Dictionary<string, string> _summaries;

    private XmlDocumentation(Dictionary<string, string> summaries) => _summaries = summaries;

    /// <summary>Without the file there are simply no descriptions.</summary>
    public static XmlDocumentation Of(Assembly assembly)
    {
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        if (!File.Exists(file))
            return new XmlDocumentation([]);
        var summaries = from member in XDocument.Load(file).Descendants("member")
                        let summary = member.Element("summary")
                        where summary is not null
                        select (Name: member.Attribute("name")!.Value, Text: Text(summary));
        return new XmlDocumentation(summaries.Where(s => s.Text.Length > 0).ToDictionary(s => s.Name, s => s.Text));
    }

    public string? Of(Type type) => _summaries.GetValueOrDefault($"T:{type.FullName}");

    public string? Of(PropertyInfo property) => _summaries.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}");

    /// <summary>`see cref` and `paramref` become the bare name.</summary>
    private static string Text(XElement summary)
    {
        foreach (var reference in summary.Descendants().Where(e => !e.Nodes().Any()).ToList())
            reference.ReplaceWith((reference.Attribute("cref") ?? reference.Attribute("name"))?.Value.Split('.', ':')[^1] ?? "");
        return Space().Replace(summary.Value, " ").Trim();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
