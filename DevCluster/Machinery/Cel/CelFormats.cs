using static Troupe.DevCluster.Machinery.Cel.CelType;

namespace Troupe.DevCluster.Machinery.Cel;

/// <summary>A format by name; <paramref name="Problem"/> is what is wrong with a text, <paramref name="Length"/> that of its pattern, by which checking it costs.</summary>
internal sealed record CelFormat(string Name, int Length, Func<string, string?> Problem);

/// <summary>Kubernetes' format library: <c>format.dns1123Label().validate(name)</c>.</summary>
internal static class CelFormats
{
    private static readonly CelFormat[] Known =
    [
        new("dns1123Label", 30, Names.DnsLabelProblem),
        new("dns1123Subdomain", 60, Names.DnsSubdomainProblem),
        new("dns1035Label", 30, Names.DnsLabel1035Problem),
        new("qualifiedName", 60, Names.LabelKeyProblem),
        new("dns1123LabelPrefix", 30, text => Names.DnsLabelProblem(Completed(text))),
        new("dns1123SubdomainPrefix", 60, text => Names.DnsSubdomainProblem(Completed(text))),
        new("dns1035LabelPrefix", 30, text => Names.DnsLabel1035Problem(Completed(text))),
        new("labelValue", 40, Names.LabelValueProblem),
        new("uri", 1000, text => CelKubernetes.Url(text) is null ? $"parse \"{text}\": invalid URI for request" : null),
        new("uuid", 60, text => Formats.Fits("uuid", text) ? null : "does not match the UUID format"),
        new("byte", 1000, text => Formats.Fits("byte", text) ? null : "invalid base64"),
        new("date", 1000, text => Formats.Fits("date", text) ? null : "invalid date"),
        new("datetime", 1000, text => Formats.Fits("date-time", text) ? null : "invalid datetime"),
    ];

    public static IEnumerable<CelOverload> All() =>
    [
        .. Known.Select(format => new CelOverload("format." + format.Name, false, [], CelType.Format, _ => format)),
        new("format.named", false, [CelType.String], Optional(CelType.Format), a => Array.Find(Known, f => f.Name == (string)a[0]!) is { } found ? new CelOptional(true, found) : CelOptional.None),
        new("validate", true, [CelType.Format, CelType.String], Optional(List(CelType.String)),
            a => ((CelFormat)a[0]!).Problem((string)a[1]!) is { } problem ? new CelOptional(true, new CelList([problem])) : CelOptional.None),
    ];

    /// <summary>A prefix may end in a dash, since something follows.</summary>
    private static string Completed(string prefix) => prefix.Length > 1 && prefix.EndsWith('-') ? prefix[..^2] + "a" : prefix;
}
