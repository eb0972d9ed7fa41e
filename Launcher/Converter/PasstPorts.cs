using System.Globalization;
using System.Xml.Linq;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>Ports of the pod that passt hands on to the guest: all, or those that the interface names. Those of a service mesh's proxy never are the guest's.</summary>
internal sealed record PasstPorts(IReadOnlyList<PasstPorts.Span> Tcp, IReadOnlyList<PasstPorts.Span> Udp)
{
    private const string MeshAnnotation = "sidecar.istio.io/inject";
    private static readonly int[] ProxyPorts = [15000, 15001, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090];

    /// <summary>passt listens at each port by itself: at all but the ephemeral ones of two protocols, which is what it then has to be allowed.</summary>
    private const long FilesForAll = 76_000;

    /// <summary>For passt's connections, where ports have to be left out.</summary>
    private const long FilesForSessions = 4_000;

    internal readonly record struct Span(int Start, int End, bool IsExcluded = false);

    private bool IsAll => Tcp.Count == 0 && Udp.Count == 0;

    /// <param name="field">Of the interface.</param>
    /// <exception cref="UnsupportedSpecException"/>
    public static PasstPorts Of(VirtualMachineInstance vmi, Interface nic, string field)
    {
        List<Span> tcp = [], udp = [];
        if (bool.TryParse(vmi.Metadata.Annotations?.GetValueOrDefault(MeshAnnotation), out var isMeshed) && isMeshed)
            tcp.AddRange(ProxyPorts.Select(p => new Span(p, p, IsExcluded: true)));
        foreach (var (protocol, start, end) in (nic.Ports ?? []).Select(p => (p.Protocol, p.PortValue, p.PortValue)).Concat((nic.PortRanges ?? []).Select(r => (r.Protocol, r.Start, r.End))))
        {
            if (start is not (> 0 and < 65536) || end is not (> 0 and < 65536))
                throw new UnsupportedSpecException($"{field}.ports", $"{start}{(start == end ? "" : $"-{end}")} is no port", isInvalid: true);
            (protocol?.ToUpperInvariant() switch
            {
                null or "" or "TCP" => tcp,
                "UDP" => udp,
                _ => throw new UnsupportedSpecException($"{field}.ports", $"protocol '{protocol}' is neither TCP nor UDP", isInvalid: true),
            }).Add(new Span(start.Value, end.Value));
        }

        return new PasstPorts(tcp, udp);
    }

    /// <summary>As libvirt takes them.</summary>
    public IEnumerable<XElement> Xml() => IsAll
        ? [Forward("tcp", []), Forward("udp", [])]
        : new[] { ("tcp", Tcp), ("udp", Udp) }.Where(p => p.Item2.Count > 0).Select(p => Forward(p.Item1, p.Item2));

    /// <summary>As passt's command line takes them.</summary>
    /// <param name="files">How many it may have open.</param>
    public IReadOnlyList<string> Arguments(long files)
    {
        var all = MostOf(files) is { } most ? $"1-{most}" : "all";
        return IsAll ? ["--tcp-ports", all, "--udp-ports", all] : [.. Argument("--tcp-ports", Tcp, files), .. Argument("--udp-ports", Udp, files)];
    }

    /// <summary>The last port that is handed on where all should be and there are too few files for that; null where there are enough.</summary>
    public int? Cut(long files) => IsAll || Tcp.Count > 0 && Tcp.All(s => s.IsExcluded) ? MostOf(files) : null;

    private static int? MostOf(long files) => files >= FilesForAll ? null : (int)Math.Max(1, (files - FilesForSessions) / 2);

    private static XElement Forward(string protocol, IReadOnlyList<Span> spans) => new("portForward", new XAttribute("proto", protocol),
        spans.Select(s => new XElement("range", new XAttribute("start", s.Start), s.End == s.Start ? null : new XAttribute("end", s.End), s.IsExcluded ? new XAttribute("exclude", "yes") : null)));

    private static IEnumerable<string> Argument(string option, IReadOnlyList<Span> spans, long files)
    {
        if (spans.Count == 0)
            return [];
        var words = spans.Select(s => (s.IsExcluded ? "~" : "") + (s.End == s.Start ? s.Start.ToString(CultureInfo.InvariantCulture) : $"{s.Start}-{s.End}"));
        // Exclusions alone mean all others.
        return [option, string.Join(',', spans.All(s => s.IsExcluded) && MostOf(files) is { } most ? words.Prepend($"1-{most}") : words)];
    }
}
