using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Resources;

/// <summary>The ports that services have on every node.</summary>
internal static class NodePorts
{
    private const int First = 30000, Last = 32767;

    public static bool Has(JsonNode? spec) => spec.Str("type") is "NodePort" or "LoadBalancer";

    /// <summary>Those that weren't asked for: as before, by the port's name, or any that is free.</summary>
    public static void Allocate(JsonObject service, JsonObject? old, StrategyContext context)
    {
        var (spec, before) = (service.Obj("spec"), old.Obj("spec"));
        var ports = Ports(spec).ToList();
        if (!Has(spec))
        {
            // They go with the type, unless they were changed, which is refused.
            if (Has(before) && ports.TrueForAll(p => Ports(before).Any(b => b.Int("nodePort") == p.Int("nodePort"))))
                ports.ForEach(p => p.Remove("nodePort"));
            return;
        }
        var taken = Taken(service, context.State);
        taken.UnionWith(ports.Where(p => p.Int("nodePort") > 0).Select(Key));
        foreach (var port in ports.Where(p => p.Int("nodePort") is null or 0))
        {
            var kept = Has(before) ? Ports(before).FirstOrDefault(b => b.Str("name") == port.Str("name")).Int("nodePort") : null;
            // A port that serves two protocols has one number.
            var twin = ports.FirstOrDefault(p => p.Int("nodePort") > 0 && p.Int("port") == port.Int("port")).Int("nodePort");
            var start = Random.Shared.Next(Last - First + 1);
            var candidates = new[] { kept, twin }.OfType<long>().Concat(Enumerable.Range(0, Last - First + 1).Select(i => (long)(First + ((start + i) % (Last - First + 1)))));
            var protocol = port.Str("protocol") ?? "TCP";
            var chosen = candidates.FirstOrDefault(number => taken.Add((protocol, number)));
            port["nodePort"] = chosen > 0 ? chosen : throw ApiException.Internal("failed to allocate a nodePort: range is full");
        }
    }

    public static IEnumerable<StatusCause> Problems(JsonObject service, StrategyContext context)
    {
        var spec = service.Obj("spec");
        var taken = Has(spec) ? Taken(service, context.State) : [];
        var own = new HashSet<(string, long)>();
        foreach (var (port, i) in Ports(spec).Select((p, i) => (p, i)))
        {
            if (port.Int("nodePort") is not ({ } number and > 0))
                continue;
            var field = $"spec.ports[{i}].nodePort";
            if (!Has(spec))
                yield return new("FieldValueForbidden", $"Forbidden: may not be used when `type` is '{spec.Str("type")}'", field);
            else if (number is < First or > Last)
                yield return new("FieldValueInvalid", $"Invalid value: {number}: provided port is not in the valid range. The range of valid ports is {First}-{Last}", field);
            else if (!own.Add(Key(port)))
                yield return new("FieldValueDuplicate", $"Duplicate value: {number}", field);
            else if (taken.Contains(Key(port)))
                yield return new("FieldValueInvalid", $"Invalid value: {number}: provided port is already allocated", field);
        }
    }

    private static IEnumerable<JsonObject> Ports(JsonNode? spec) => (spec.Arr("ports") ?? []).OfType<JsonObject>();

    private static (string, long) Key(JsonObject port) => (port.Str("protocol") ?? "TCP", port.Int("nodePort") ?? 0);

    /// <summary>By other services.</summary>
    private static HashSet<(string, long)> Taken(JsonObject service, StoreState state) =>
    [
        .. state.Table("/services").All().Where(s => s.Namespace != service.Namespace() || s.Name != service.Name())
            .Select(s => s.Parse().Obj("spec")).Where(Has).SelectMany(Ports).Where(p => p.Int("nodePort") > 0).Select(Key),
    ];
}
