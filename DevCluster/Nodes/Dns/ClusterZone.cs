using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Dns;

/// <summary>The names of a cluster (Kubernetes' DNS specification). Pure.</summary>
internal sealed record ClusterZone(IReadOnlyCollection<Service> Services, IReadOnlyCollection<EndpointSlice> Slices)
{
    public const string Suffix = "cluster.local";

    /// <returns>Null for a name outside the cluster; no records for a name that exists without such a record.</returns>
    public (bool Exists, IReadOnlyList<DnsRecord> Records)? Answer(string name, ushort type)
    {
        if (name != Suffix && !name.EndsWith("." + Suffix, StringComparison.Ordinal)) return null;
        var labels = name == Suffix ? [] : name[..^(Suffix.Length + 1)].Split('.');
        IReadOnlyList<DnsRecord>? all = labels switch
        {
            [] or ["svc"] or ["pod"] => [],
            [.., var ns, "svc"] when labels.Length == 2 => Services.Any(service => service.Metadata.Namespace == ns) ? [] : null,
            [var service, var ns, "svc"] => OfService(name, service, ns),
            [var port, var protocol, var service, var ns, "svc"] when port.StartsWith('_') && protocol.StartsWith('_') => Ports(name, port[1..], protocol[1..], service, ns),
            [var host, var service, var ns, "svc"] => OfEndpoint(name, host, service, ns),
            [var ip, _, "pod"] => System.Net.IPAddress.TryParse(ip.Replace('-', '.'), out var address) ? [DnsRecord.Address(name, address.ToString())] : null,
            _ => null,
        };
        return all is null ? (false, []) : (true, [.. all.Where(record => type == DnsRecord.Any || record.Type == type || (record.Type == DnsRecord.Cname && type == DnsRecord.A))]);
    }

    private List<DnsRecord>? OfService(string name, string service, string ns) => Find(service, ns)?.Spec switch
    {
        null => null,
        { Type: "ExternalName" } external => [DnsRecord.Alias(name, external.ExternalName)],
        { IsHeadless: true } => [.. Backends(service, ns).Select(backend => backend.Address).Distinct().Select(address => DnsRecord.Address(name, address))],
        { ClusterIP: { Length: > 0 } ip } => [DnsRecord.Address(name, ip)],
        _ => [],
    };

    private List<DnsRecord>? OfEndpoint(string name, string host, string service, string ns)
    {
        if (Find(service, ns) is null) return null;
        var addresses = Backends(service, ns).Where(backend => Host(backend) == host).Select(backend => DnsRecord.Address(name, backend.Address)).ToList();
        return addresses.Count > 0 ? addresses : null;
    }

    private List<DnsRecord>? Ports(string name, string port, string protocol, string service, string ns)
    {
        if (Find(service, ns) is not { } found || found.Spec.Ports.Find(p => p.Name == port && p.Protocol.Equals(protocol, StringComparison.OrdinalIgnoreCase)) is not { } own) return null;
        var domain = $"{service}.{ns}.svc.{Suffix}";
        return found.Spec.IsHeadless
            ? [.. Backends(service, ns).Where(backend => backend.PortName == port).Select(backend => DnsRecord.Service(name, backend.Port, $"{Host(backend)}.{domain}"))]
            : [DnsRecord.Service(name, own.Port, domain)];
    }

    private Service? Find(string name, string ns) => Services.FirstOrDefault(service => service.Metadata.Name == name && service.Metadata.Namespace == ns);

    private IEnumerable<Backend> Backends(string service, string ns) =>
        from slice in Slices
        where slice.Metadata.Namespace == ns && slice.Service == service
        from endpoint in slice.Endpoints
        where endpoint.Conditions.Ready is not false
        from address in endpoint.Addresses
        from port in slice.Ports.DefaultIfEmpty(new EndpointPort())
        select new Backend(address, endpoint.Hostname, port.Name, port.Port ?? 0);

    private static string Host(Backend backend) => backend.Hostname.Length > 0 ? backend.Hostname : backend.Address.Replace('.', '-');

    private sealed record Backend(string Address, string Hostname, string PortName, int Port);
}
