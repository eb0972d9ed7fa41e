using System.Text.Json.Nodes;
using Akka.Actor;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;

namespace Troupe.ControlPlane.Subresources;

/// <summary>`subresources.kubevirt.io`: what virtctl connects to, behind the API server's aggregation layer.</summary>
public sealed class SubresourceApi(IKubeClient kubernetes, Authorizer authorizer, EventRecorder events, ActorSystem actors, Func<IActorRef> nodes, Func<ClusterConfig> config)
{
    public const string Group = "subresources.kubevirt.io";
    public static readonly string[] Versions = ["v1", "v1alpha3"];

    public void Map(WebApplication app)
    {
        app.UseWebSockets();
        var (machines, instances) = (new MachineEndpoints(kubernetes, authorizer), new InstanceEndpoints(kubernetes, authorizer, events, actors, nodes));
        var (expand, volumes) = (new ExpandEndpoints(kubernetes, authorizer, config), new VolumeEndpoints(kubernetes, authorizer, config));
        var info = new InfoEndpoints(kubernetes, authorizer, config);
        var dumps = new MemoryDumpEndpoints(kubernetes, authorizer, config);
        var graphs = new ObjectGraphEndpoints(kubernetes, authorizer, config);
        var evacuate = new EvacuateEndpoints(kubernetes, authorizer, config);
        var streams = new StreamEndpoints(kubernetes, authorizer, actors, nodes);
        app.MapGet("/", () => Json(new JsonObject { ["paths"] = new JsonArray(["/apis", $"/apis/{Group}", .. Versions.Select(v => $"/apis/{Group}/{v}")]) }));
        app.MapGet("/apis", () => Json(new JsonObject { ["kind"] = "APIGroupList", ["apiVersion"] = "v1", ["groups"] = new JsonArray(GroupDocument()) }));
        app.MapGet($"/apis/{Group}", () => Json(GroupDocument()));
        foreach (var version in Versions)
        {
            app.MapGet($"/apis/{Group}/{version}", () => Json(Resources(version)));
            app.MapGet($"/apis/{Group}/{version}/version", () => Json(new JsonObject { ["gitVersion"] = "v1.9.0-troupe", ["platform"] = "linux/amd64" }));
            streams.Map(app, version);
            volumes.Map(app, version);
            dumps.Map(app, version);
            graphs.Map(app, version);
            info.Map(app, version);
            machines.Map(app, version);
            expand.Map(app, version);
            instances.Map(app, version);
            evacuate.Map(app, version);
        }
    }

    /// <summary>Of a subresource of an object in a namespace.</summary>
    internal static string Route(string version, string resource, string subresource) => $"/apis/{Group}/{version}/namespaces/{{ns}}/{resource}/{{name}}/{subresource}";

    private static JsonObject GroupDocument()
    {
        var versions = Versions.Select(v => (JsonNode)new JsonObject { ["groupVersion"] = $"{Group}/{v}", ["version"] = v }).ToArray();
        return new JsonObject { ["kind"] = "APIGroup", ["apiVersion"] = "v1", ["name"] = Group, ["versions"] = new JsonArray(versions), ["preferredVersion"] = versions[0].DeepClone() };
    }

    private static JsonObject Resources(string version) => new()
    {
        ["kind"] = "APIResourceList",
        ["apiVersion"] = "v1",
        ["groupVersion"] = $"{Group}/{version}",
        ["resources"] = new JsonArray(
        [
            Resource(MachineEndpoints.Resource, EvacuateEndpoints.Name, "update"), Resource(InstanceEndpoints.Resource, EvacuateEndpoints.Name, "update"),
            .. MachineEndpoints.Names.Concat(MemoryDumpEndpoints.Names).Select(n => Resource(MachineEndpoints.Resource, n, "update")),
            Resource(MachineEndpoints.Resource, ObjectGraphEndpoints.Name, "get"), Resource(InstanceEndpoints.Resource, ObjectGraphEndpoints.Name, "get"),
            Resource(MachineEndpoints.Resource, ExpandEndpoints.Name, "get"), Resource(ExpandEndpoints.OfManifest, null, "update"),
            .. VolumeEndpoints.Names.SelectMany(n => new[] { Resource(MachineEndpoints.Resource, n, "update"), Resource(InstanceEndpoints.Resource, n, "update") }),
            Resource(MachineEndpoints.Resource, StreamEndpoints.PortForward, "get"),
            .. InstanceEndpoints.Puts.Concat(InfoEndpoints.SevPuts).Select(n => Resource(InstanceEndpoints.Resource, n, "update")),
            .. StreamEndpoints.Names.Concat(InstanceEndpoints.Gets).Concat(InfoEndpoints.SevGets).Select(n => Resource(InstanceEndpoints.Resource, n, "get")),
        ]),
    };

    private static JsonNode Resource(string resource, string? subresource, string verb) => new JsonObject
    {
        ["name"] = subresource is null ? resource : $"{resource}/{subresource}",
        ["singularName"] = "",
        ["namespaced"] = true,
        ["kind"] = "",
        ["verbs"] = new JsonArray(verb),
    };

    private static IResult Json(JsonObject document) => Results.Text(document.ToJsonString(), "application/json");
}
