using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using static Troupe.DevCluster.Tables.Column;

namespace Troupe.DevCluster.Tables;

/// <summary>The columns of <c>kubectl get</c> for built-in kinds, by plural.</summary>
internal static class BuiltinColumns
{
    private const string None = "<none>";

    public static IReadOnlyList<Column> For(string plural) => ByPlural.TryGetValue(plural, out var columns) ? columns : Column.Default;

    private static readonly Column[] Binding =
    [
        ObjectName, Text("Role", o => $"{o.Str("roleRef", "kind")}/{o.Str("roleRef", "name")}"), Age,
        Text("Users", o => Subjects(o, "User"), 1), Text("Groups", o => Subjects(o, "Group"), 1), Text("ServiceAccounts", o => Subjects(o, "ServiceAccount"), 1),
    ];

    private static string Subjects(JsonObject o, string kind) => string.Join(", ", (o.Arr("subjects") ?? []).Where(s => s.Str("kind") == kind)
        .Select(s => kind == "ServiceAccount" ? $"{s.Str("namespace")}/{s.Str("name")}" : s.Str("name")));

    private static readonly Dictionary<string, IReadOnlyList<Column>> ByPlural = new()
    {
        ["pods"] =
        [
            ObjectName,
            Text("Ready", o => $"{Statuses(o).Count(c => c.Bool("ready") == true)}/{o.Arr("spec", "containers")?.Count ?? 0}"),
            Text("Status", PodStatus),
            Text("Restarts", o => Statuses(o).Sum(c => c.Int("restartCount") ?? 0).ToString(System.Globalization.CultureInfo.InvariantCulture)),
            Age,
            Text("IP", o => o.Str("status", "podIP") ?? None, 1),
            Text("Node", o => o.Str("spec", "nodeName") ?? None, 1),
            Text("Nominated Node", o => o.Str("status", "nominatedNodeName") ?? None, 1),
            Text("Readiness Gates", ReadinessGates, 1),
        ],
        ["nodes"] =
        [
            ObjectName,
            Text("Status", o => (Condition(o, "Ready") switch { "True" => "Ready", null => "Unknown", _ => "NotReady" })
                + (o.Bool("spec", "unschedulable") == true ? ",SchedulingDisabled" : "")),
            Text("Roles", o => o.Obj("metadata", "labels")?.Where(l => l.Key.StartsWith("node-role.kubernetes.io/", StringComparison.Ordinal))
                .Select(l => l.Key[24..]).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } roles ? string.Join(',', roles) : None),
            Age,
            Text("Version", o => o.Str("status", "nodeInfo", "kubeletVersion")),
            Text("Internal-IP", o => Address(o, "InternalIP"), 1),
            Text("External-IP", o => Address(o, "ExternalIP"), 1),
            Text("OS-Image", o => o.Str("status", "nodeInfo", "osImage") ?? "<unknown>", 1),
            Text("Kernel-Version", o => o.Str("status", "nodeInfo", "kernelVersion") ?? "<unknown>", 1),
            Text("Container-Runtime", o => o.Str("status", "nodeInfo", "containerRuntimeVersion") ?? "<unknown>", 1),
        ],
        ["namespaces"] = [ObjectName, Text("Status", o => o.Str("status", "phase")), Age],
        ["services"] =
        [
            ObjectName,
            Text("Type", o => o.Str("spec", "type")),
            Text("Cluster-IP", o => o.Str("spec", "clusterIP") is { Length: > 0 } ip ? ip : None),
            Text("External-IP", o => o.Str("spec", "type") == "ExternalName" ? o.Str("spec", "externalName") : Join(o.Arr("spec", "externalIPs")) ?? None),
            Text("Port(s)", o => o.Arr("spec", "ports") is { Count: > 0 } ports
                ? string.Join(',', ports.Select(p => $"{p.Int("port")}{(p.Int("nodePort") is > 0 and var n ? $":{n}" : "")}/{p.Str("protocol") ?? "TCP"}")) : None),
            Age,
            Text("Selector", o => o.Obj("spec", "selector") is { Count: > 0 } s ? string.Join(',', s.Select(p => $"{p.Key}={p.Value.Display()}")) : None, 1),
        ],
        ["endpoints"] = [ObjectName, Text("Endpoints", EndpointsText), Age],
        ["endpointslices"] =
        [
            ObjectName, Text("AddressType", o => o.Str("addressType")),
            Text("Ports", o => o.Arr("ports") is { Count: > 0 } ports ? string.Join(',', ports.Select(p => p.Int("port")?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "*")) : "<unset>"),
            Text("Endpoints", o => o.Arr("endpoints") is { Count: > 0 } e ? string.Join(',', e.SelectMany(x => x.Arr("addresses") ?? []).Select(a => a.Display())) : "<unset>"),
            Age,
        ],
        ["configmaps"] = [ObjectName, Whole("Data", o => (o.Obj("data")?.Count ?? 0) + (o.Obj("binaryData")?.Count ?? 0)), Age],
        ["secrets"] = [ObjectName, Text("Type", o => o.Str("type")), Whole("Data", o => o.Obj("data")?.Count ?? 0), Age],
        ["serviceaccounts"] = [ObjectName, Whole("Secrets", o => o.Arr("secrets")?.Count ?? 0), Age],
        ["events"] =
        [
            new("Last Seen", "string", (o, now) => Since(o.Str("series", "lastObservedTime") ?? o.Str("lastTimestamp") ?? o.Str("eventTime") ?? o.Str("metadata", "creationTimestamp"), now)),
            Text("Type", o => o.Str("type")),
            Text("Reason", o => o.Str("reason")),
            Text("Object", o => (o.Obj("involvedObject") ?? o.Obj("regarding")) is { } of ? $"{of.Str("kind")?.ToLowerInvariant()}/{of.Str("name")}" : ""),
            Text("Subobject", o => o.Str("involvedObject", "fieldPath"), 1),
            Text("Source", o => o.Str("source", "component") ?? o.Str("reportingComponent"), 1),
            Text("Message", o => (o.Str("message") ?? o.Str("note"))?.Trim()),
            new("First Seen", "string", (o, now) => Since(o.Str("firstTimestamp") ?? o.Str("eventTime") ?? o.Str("metadata", "creationTimestamp"), now), 1),
            Whole("Count", o => o.Int("series", "count") ?? o.Int("count") ?? 1, 1),
            ObjectName with { Priority = 1 },
        ],
        ["persistentvolumeclaims"] =
        [
            ObjectName, Text("Status", o => o.At("metadata", "deletionTimestamp") is null ? o.Str("status", "phase") : "Terminating"), Text("Volume", o => o.Str("spec", "volumeName")),
            Text("Capacity", o => o.At("status", "capacity", "storage") is { } c ? c.Display() : ""), Text("Access Modes", o => AccessModes(o.Arr("status", "accessModes"))),
            Text("StorageClass", o => o.Str("spec", "storageClassName")), Text("VolumeAttributesClass", o => o.Str("spec", "volumeAttributesClassName") ?? "<unset>"), Age,
            Text("VolumeMode", o => o.Str("spec", "volumeMode"), 1),
        ],
        ["persistentvolumes"] =
        [
            ObjectName, Text("Capacity", o => o.At("spec", "capacity", "storage") is { } c ? c.Display() : ""), Text("Access Modes", o => AccessModes(o.Arr("spec", "accessModes"))),
            Text("Reclaim Policy", o => o.Str("spec", "persistentVolumeReclaimPolicy")), Text("Status", o => o.Str("status", "phase")),
            Text("Claim", o => o.Obj("spec", "claimRef") is { } c ? $"{c.Str("namespace")}/{c.Str("name")}" : ""), Text("StorageClass", o => o.Str("spec", "storageClassName")),
            Text("Reason", o => o.Str("status", "reason")), Age, Text("VolumeMode", o => o.Str("spec", "volumeMode"), 1),
        ],
        ["deployments"] =
        [
            ObjectName, Text("Ready", o => $"{o.Int("status", "readyReplicas") ?? 0}/{o.Int("spec", "replicas") ?? 0}"),
            Whole("Up-to-date", o => o.Int("status", "updatedReplicas")), Whole("Available", o => o.Int("status", "availableReplicas")), Age,
            .. Template("spec", "template"),
        ],
        ["replicasets"] =
        [
            ObjectName, Whole("Desired", o => o.Int("spec", "replicas")), Whole("Current", o => o.Int("status", "replicas")),
            Whole("Ready", o => o.Int("status", "readyReplicas")), Age, .. Template("spec", "template"),
        ],
        ["statefulsets"] = [ObjectName, Text("Ready", o => $"{o.Int("status", "readyReplicas") ?? 0}/{o.Int("spec", "replicas") ?? 0}"), Age, .. Template("spec", "template")],
        ["daemonsets"] =
        [
            ObjectName, Whole("Desired", o => o.Int("status", "desiredNumberScheduled")), Whole("Current", o => o.Int("status", "currentNumberScheduled")),
            Whole("Ready", o => o.Int("status", "numberReady")), Whole("Up-to-date", o => o.Int("status", "updatedNumberScheduled")),
            Whole("Available", o => o.Int("status", "numberAvailable")),
            Text("Node Selector", o => o.Obj("spec", "template", "spec", "nodeSelector") is { Count: > 0 } s ? string.Join(',', s.Select(p => $"{p.Key}={p.Value.Display()}")) : None), Age,
            .. Template("spec", "template"),
        ],
        ["jobs"] =
        [
            ObjectName, Text("Status", o => Condition(o, "Complete") == "True" ? "Complete" : Condition(o, "Failed") == "True" ? "Failed" : "Running"),
            Text("Completions", o => $"{o.Int("status", "succeeded") ?? 0}/{o.Int("spec", "completions") ?? 1}"),
            new("Duration", "string", (o, now) => o.Str("status", "startTime") is not { } start ? ""
                : o.Str("status", "completionTime") is { } end ? Since(start, DateTimeOffset.Parse(end, System.Globalization.CultureInfo.InvariantCulture)) : Since(start, now)),
            Age, .. Template("spec", "template"),
        ],
        ["leases"] = [ObjectName, Text("Holder", o => o.Str("spec", "holderIdentity")), Age],
        ["poddisruptionbudgets"] =
        [
            ObjectName, Text("Min Available", o => o.At("spec", "minAvailable") is { } m ? m.Display() : "N/A"),
            Text("Max Unavailable", o => o.At("spec", "maxUnavailable") is { } m ? m.Display() : "N/A"), Whole("Allowed Disruptions", o => o.Int("status", "disruptionsAllowed")), Age,
        ],
        ["priorityclasses"] = [ObjectName, Whole("Value", o => o.Int("value")), Text("Global-Default", o => o.Bool("globalDefault") == true ? "true" : "false"), Age, Text("PreemptionPolicy", o => o.Str("preemptionPolicy"))],
        ["storageclasses"] =
        [
            ObjectName, Text("Provisioner", o => o.Str("provisioner")), Text("ReclaimPolicy", o => o.Str("reclaimPolicy") ?? "Delete"),
            Text("VolumeBindingMode", o => o.Str("volumeBindingMode") ?? "Immediate"), Text("AllowVolumeExpansion", o => o.Bool("allowVolumeExpansion") == true ? "true" : "false"), Age,
        ],
        ["apiservices"] =
        [
            ObjectName, Text("Service", o => o.Obj("spec", "service") is { } s ? $"{s.Str("namespace")}/{s.Str("name")}" : "Local"),
            Text("Available", o => Condition(o, "Available") is "True" ? "True" : $"{Condition(o, "Available") ?? "Unknown"}{(ConditionObject(o, "Available")?.Str("reason") is { } r ? $" ({r})" : "")}"), Age,
        ],
        ["rolebindings"] = Binding,
        ["clusterrolebindings"] = Binding,
        ["ingresses"] =
        [
            ObjectName, Text("Class", o => o.Str("spec", "ingressClassName") ?? None),
            Text("Hosts", o => Join(new JsonArray([.. (o.Arr("spec", "rules") ?? []).Select(r => r.At("host")?.DeepClone()).OfType<JsonNode>()])) ?? "*"),
            Text("Address", o => Join(new JsonArray([.. (o.Arr("status", "loadBalancer", "ingress") ?? []).Select(i => (i.At("ip") ?? i.At("hostname"))?.DeepClone()).OfType<JsonNode>()])) ?? ""),
            Text("Ports", o => o.Arr("spec", "tls") is { Count: > 0 } ? "80, 443" : "80"), Age,
        ],
        ["networkpolicies"] = [ObjectName, Text("Pod-Selector", o => SelectorText(o.Obj("spec", "podSelector"))), Age],
        ["controllerrevisions"] =
        [
            ObjectName,
            Text("Controller", o => (o.Arr("metadata", "ownerReferences") ?? []).FirstOrDefault(r => r.Bool("controller") == true) is { } c
                ? $"{c.Str("kind")?.ToLowerInvariant()}.{c.Str("apiVersion")?.Split('/')[0]}/{c.Str("name")}" : None),
            Whole("Revision", o => o.Int("revision")), Age,
        ],
        ["resourcequotas"] = [ObjectName, Age, Text("Request", o => QuotaText(o, limits: false)), Text("Limit", o => QuotaText(o, limits: true))],
        ["validatingwebhookconfigurations"] = [ObjectName, Whole("Webhooks", o => o.Arr("webhooks")?.Count ?? 0), Age],
        ["mutatingwebhookconfigurations"] = [ObjectName, Whole("Webhooks", o => o.Arr("webhooks")?.Count ?? 0), Age],
    };

    private static string SelectorText(JsonObject? selector) =>
        selector.Obj("matchLabels") is { Count: > 0 } labels ? string.Join(',', labels.Select(p => $"{p.Key}={p.Value.Display()}")) : None;

    private static string QuotaText(JsonObject o, bool limits) => string.Join(", ", (o.Obj("status", "hard") ?? [])
        .Where(h => h.Key.StartsWith("limits", StringComparison.Ordinal) == limits)
        .Select(h => $"{h.Key}: {(o.At("status", "used", h.Key) is { } used ? used.Display() : "0")}/{h.Value.Display()}"));

    private static IEnumerable<JsonNode?> Statuses(JsonObject pod) => pod.Arr("status", "containerStatuses") ?? [];

    private static Column[] Template(params string[] path) =>
    [
        Text("Containers", o => Join(new JsonArray([.. o.At(path).Arr("spec", "containers")?.Select(c => c.At("name")?.DeepClone()) ?? []])) ?? None, 1),
        Text("Images", o => Join(new JsonArray([.. o.At(path).Arr("spec", "containers")?.Select(c => c.At("image")?.DeepClone()) ?? []])) ?? None, 1),
        Text("Selector", o => o.Obj("spec", "selector", "matchLabels") is { Count: > 0 } s ? string.Join(',', s.Select(p => $"{p.Key}={p.Value.Display()}")) : None, 1),
    ];

    private static string? Join(JsonArray? array) => array is { Count: > 0 } ? string.Join(',', array.Select(a => a.Display())) : null;

    private static JsonObject? ConditionObject(JsonObject o, string type) =>
        o.Arr("status", "conditions")?.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == type);

    private static string? Condition(JsonObject o, string type) => ConditionObject(o, type)?.Str("status");

    private static string Address(JsonObject o, string type) =>
        o.Arr("status", "addresses")?.FirstOrDefault(a => a.Str("type") == type).Str("address") ?? None;

    private static string AccessModes(JsonArray? modes) => string.Join(',', modes?.Select(m => m.AsString() switch
    {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        var other => other,
    }) ?? []);

    private static string EndpointsText(JsonObject o)
    {
        var all = (o.Arr("subsets") ?? []).SelectMany(s => (s.Arr("addresses") ?? []).SelectMany(a =>
            s.Arr("ports") is { Count: > 0 } ports ? ports.Select(p => $"{a.Str("ip")}:{p.Int("port")}") : [a.Str("ip") ?? ""])).ToList();
        return all.Count == 0 ? None : all.Count <= 3 ? string.Join(',', all) : string.Join(',', all.Take(3)) + $" + {all.Count - 3} more...";
    }

    private static string ReadinessGates(JsonObject o)
    {
        var gates = o.Arr("spec", "readinessGates");
        return gates is { Count: > 0 } ? $"{gates.Count(g => Condition(o, g.Str("conditionType") ?? "") == "True")}/{gates.Count}" : None;
    }

    /// <summary>The phase, sharpened by what its containers wait for or ended with, as kubectl users know it.</summary>
    private static string PodStatus(JsonObject pod)
    {
        var status = pod.Str("status", "reason") ?? pod.Str("status", "phase") ?? "Unknown";
        var sidecars = (pod.Arr("spec", "initContainers") ?? []).Where(c => c.Str("restartPolicy") == "Always").Select(c => c.Str("name")).ToHashSet();
        var init = pod.Arr("status", "initContainerStatuses") ?? [];
        var count = pod.Arr("spec", "initContainers")?.Count ?? 0;
        for (var i = 0; i < init.Count; i++)
        {
            var state = init[i].Obj("state");
            if (state.Int("terminated", "exitCode") == 0 || (sidecars.Contains(init[i].Str("name")) && init[i].Bool("started") == true))
                continue;
            status = state.Obj("terminated") is { } ended ? "Init:" + Ended(ended)
                : state.Str("waiting", "reason") is { } waiting && waiting != "PodInitializing" ? "Init:" + waiting
                : $"Init:{i}/{count}";
            return Deleted(pod, status);
        }
        var running = false;
        foreach (var container in Statuses(pod).Reverse())
        {
            if (container.Str("state", "waiting", "reason") is { Length: > 0 } waiting)
                status = waiting;
            else if (container.Obj("state", "terminated") is { } ended)
                status = Ended(ended);
            else if (container.Bool("ready") == true && container.Obj("state", "running") is not null)
                running = true;
        }
        if (status == "Completed" && running)
            status = Condition(pod, "Ready") == "True" ? "Running" : "NotReady";
        return Deleted(pod, status);
    }

    private static string Ended(JsonObject terminated) =>
        terminated.Str("reason") is { Length: > 0 } reason ? reason
        : terminated.Int("signal") is > 0 and var signal ? $"Signal:{signal}"
        : $"ExitCode:{terminated.Int("exitCode")}";

    private static string Deleted(JsonObject pod, string status) =>
        pod.At("metadata", "deletionTimestamp") is null ? status
        : pod.Str("status", "reason") == "NodeLost" ? "Unknown"
        : pod.Str("status", "phase") is "Succeeded" or "Failed" ? status
        : "Terminating";
}
