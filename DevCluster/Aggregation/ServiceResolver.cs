using System.Net.Sockets;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Aggregation;

/// <summary>From a service and port to an address that can be dialled from this process.</summary>
internal sealed class ServiceResolver(ObjectStore store)
{
    /// <exception cref="ApiException">503 when there is no such service or nobody behind it.</exception>
    public (string Host, int Port) Resolve(string ns, string name, int port)
    {
        var service = store.State.Table("/services").Find(ns, name)?.Parse()
            ?? throw ApiException.Unavailable($"service \"{name}\" in namespace \"{ns}\" not found");
        if (service.Str("spec", "type") == "ExternalName")
            return (service.Str("spec", "externalName")!, port);
        var servicePort = (service.Arr("spec", "ports") ?? []).FirstOrDefault(p => p.Int("port") == port)
            ?? throw ApiException.Unavailable($"service \"{ns}/{name}\" has no port {port}");
        var target = (int)(servicePort.Int("targetPort") ?? port);
        var portName = servicePort.Str("name") ?? "";
        var found = Slices(ns, name, portName, target).Concat(Endpoints(ns, name, portName, target)).ToList();
        return found.Count > 0 ? found[Random.Shared.Next(found.Count)] : throw ApiException.Unavailable($"no endpoints available for service \"{ns}/{name}\"");
    }

    /// <summary>What keeps a service from being reached, as reason and message of an APIService's condition; null when nothing does.</summary>
    public (string Reason, string Message)? Problem(string ns, string name, int port)
    {
        var where = $"service/{name} in \"{ns}\"";
        if (store.State.Table("/services").Find(ns, name)?.Parse() is not { } service)
            return ("ServiceNotFound", $"{where} is not present");
        if (service.Str("spec", "type") == "ExternalName")
            return null;
        if ((service.Arr("spec", "ports") ?? []).FirstOrDefault(p => p.Int("port") == port) is not { } found)
            return ("ServicePortError", $"{where} is not listening on port {port}");
        var slices = store.State.Table("discovery.k8s.io/endpointslices").All(ns).Any(s => s.Index.Labels.GetValueOrDefault("kubernetes.io/service-name") == name);
        if (!slices && store.State.Table("/endpoints").Find(ns, name) is null)
            return ("EndpointsNotFound", $"cannot find endpointslices for {where}");
        var portName = found.Str("name") ?? "";
        return Slices(ns, name, portName, port).Concat(Endpoints(ns, name, portName, port)).Any() ? null
            : ("MissingEndpoints", $"endpointslices for {where} have no addresses with port name \"{portName}\"");
    }

    /// <summary>Resolved for each connection: endpoints move while what points to the service stays.</summary>
    public async ValueTask<Stream> ConnectAsync(string ns, string name, int port, CancellationToken ct)
    {
        var (host, target) = Resolve(ns, name, port);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, target, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private IEnumerable<(string, int)> Slices(string ns, string name, string portName, int target) =>
        from slice in store.State.Table("discovery.k8s.io/endpointslices").All(ns)
        where slice.Index.Labels.GetValueOrDefault("kubernetes.io/service-name") == name
        let obj = slice.Parse()
        let port = (obj.Arr("ports") ?? []).FirstOrDefault(p => (p.Str("name") ?? "") == portName).Int("port") ?? target
        from endpoint in obj.Arr("endpoints") ?? []
        where endpoint.Bool("conditions", "ready") != false
        from address in endpoint.Arr("addresses") ?? []
        select (address.AsString() ?? "", (int)port);

    private IEnumerable<(string, int)> Endpoints(string ns, string name, string portName, int target) =>
        from subset in store.State.Table("/endpoints").Find(ns, name)?.Parse().Arr("subsets") ?? []
        let port = (subset.Arr("ports") ?? []).FirstOrDefault(p => (p.Str("name") ?? "") == portName).Int("port") ?? target
        from address in subset.Arr("addresses") ?? []
        select (address.Str("ip") ?? "", (int)port);
}
