using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;

namespace Troupe.DevCluster.Resources;

internal sealed class PodStrategy : ResourceStrategy
{
    public override void Default(JsonObject pod)
    {
        if (pod.Obj("spec") is { } spec)
            PodTemplates.Default(spec);
    }

    public override void PrepareForCreate(JsonObject pod, StrategyContext context)
    {
        pod["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = PodTemplates.QosClass(pod.Obj("spec")) };
        if (pod.Obj("spec") is not { } spec)
            return;
        Tolerate(spec);
        ServiceAccountVolume.Add(pod, spec, context);
    }

    /// <summary>Only their own subresource changes ephemeral containers.</summary>
    public override void PrepareForUpdate(JsonObject pod, JsonObject old, StrategyContext context)
    {
        if (pod.Obj("spec") is not { } spec)
            return;
        if (old.Arr("spec", "ephemeralContainers") is { } kept)
            spec["ephemeralContainers"] = kept.DeepClone();
        else
            spec.Remove("ephemeralContainers");
    }

    public override IEnumerable<StatusCause> Validate(JsonObject pod, JsonObject? old, StrategyContext context)
    {
        foreach (var cause in EphemeralContainers.Validate(pod, old))
            yield return cause;
        foreach (var cause in PodTemplates.Validate(pod.Obj("spec"), "spec"))
            yield return cause;
        if (old is null || Frozen(pod).SameAs(Frozen(old)))
            yield break;
        yield return new("FieldValueForbidden",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
            "spec");
    }

    /// <summary>A pod that no kubelet runs has nothing to wait for.</summary>
    public override long GracePeriodSeconds(JsonObject pod, long? asked)
    {
        if (string.IsNullOrEmpty(pod.Str("spec", "nodeName")) || pod.Str("status", "phase") is "Succeeded" or "Failed")
            return 0;
        return Math.Max(0, asked ?? pod.Int("spec", "terminationGracePeriodSeconds") ?? 30);
    }

    /// <summary>What the DefaultTolerationSeconds admission plug-in gives to every pod.</summary>
    private static void Tolerate(JsonObject spec)
    {
        if (spec["tolerations"] is not JsonArray tolerations)
            spec["tolerations"] = tolerations = [];
        foreach (var key in new[] { "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable" })
        {
            var tolerated = tolerations.Any(t => (t.Str("key") == key || t.Str("key") is null or "") && t.Str("effect") is null or "" or "NoExecute");
            if (!tolerated)
                tolerations.Add((JsonNode)new JsonObject { ["key"] = key, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = 300L });
        }
    }

    private static JsonObject Frozen(JsonObject pod)
    {
        var spec = pod.Obj("spec")?.Copy() ?? [];
        spec.Remove("activeDeadlineSeconds");
        spec.Remove("tolerations");
        spec.Remove("terminationGracePeriodSeconds");
        spec.Remove("ephemeralContainers");
        if (spec.Arr("schedulingGates") is not null)
        {
            // A gated pod may lose its gates and narrow where it can go.
            spec.Remove("nodeSelector");
            spec.Remove("affinity");
        }
        spec.Remove("schedulingGates");
        foreach (var list in new[] { "containers", "initContainers" })
        {
            foreach (var container in spec.Arr(list)?.OfType<JsonObject>() ?? [])
            {
                container.Remove("image");
                container.Remove("resources");
            }
        }
        return spec;
    }
}

/// <summary>Defaults and checks of a pod spec, for pods and for the templates of everything that makes pods.</summary>
internal static class PodTemplates
{
    public static void Default(JsonObject spec)
    {
        spec.Fill("restartPolicy", "Always");
        spec.Fill("dnsPolicy", "ClusterFirst");
        spec.Fill("schedulerName", "default-scheduler");
        spec.Fill("terminationGracePeriodSeconds", 30L);
        spec.Fill("enableServiceLinks", true);
        spec.TryAdd("securityContext", new JsonObject());
        if (spec.Str("serviceAccountName") is { Length: > 0 } account)
            spec["serviceAccount"] = account;
        foreach (var list in new[] { "initContainers", "containers", "ephemeralContainers" })
        {
            foreach (var container in spec.Arr(list)?.OfType<JsonObject>() ?? [])
                DefaultContainer(container);
        }
        foreach (var volume in spec.Arr("volumes")?.OfType<JsonObject>() ?? [])
            DefaultVolume(volume);
    }

    private static void DefaultContainer(JsonObject container)
    {
        container.Fill("terminationMessagePath", "/dev/termination-log");
        container.Fill("terminationMessagePolicy", "File");
        container.TryAdd("resources", new JsonObject());
        if (container.Str("image") is { } image)
            container.Fill("imagePullPolicy", IsLatest(image) ? "Always" : "IfNotPresent");
        foreach (var port in container.Arr("ports")?.OfType<JsonObject>() ?? [])
            port.Fill("protocol", "TCP");
        // Limits stand in for requests that aren't given.
        if (container.Obj("resources", "limits") is { } limits)
        {
            var requests = container.Obj("resources")!.Child("requests");
            foreach (var (name, amount) in limits)
            {
                if (!requests.ContainsKey(name))
                    requests[name] = amount?.DeepClone();
            }
        }
        foreach (var probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            if (container.Obj(probe) is not { } p)
                continue;
            p.Fill("timeoutSeconds", 1L);
            p.Fill("periodSeconds", 10L);
            p.Fill("successThreshold", 1L);
            p.Fill("failureThreshold", 3L);
            if (p.Obj("httpGet") is { } http)
            {
                http.Fill("path", "/");
                http.Fill("scheme", "HTTP");
            }
        }
        foreach (var env in container.Arr("env")?.OfType<JsonObject>() ?? [])
            env.Obj("valueFrom", "fieldRef")?.Fill("apiVersion", "v1");
    }

    private static void DefaultVolume(JsonObject volume)
    {
        if (volume.Count == 1)
            volume["emptyDir"] = new JsonObject();
        volume.Obj("configMap")?.Fill("defaultMode", 420L);
        volume.Obj("secret")?.Fill("defaultMode", 420L);
        volume.Obj("downwardAPI")?.Fill("defaultMode", 420L);
        volume.Obj("projected")?.Fill("defaultMode", 420L);
        volume.Obj("hostPath")?.Fill("type", "");
        if (volume.Obj("image") is { } image && image.Str("reference") is { } reference)
            image.Fill("pullPolicy", IsLatest(reference) ? "Always" : "IfNotPresent");
    }

    private static bool IsLatest(string image)
    {
        if (image.Contains('@', StringComparison.Ordinal))
            return false;
        var name = image[(image.LastIndexOf('/') + 1)..];
        return !name.Contains(':', StringComparison.Ordinal) || name.EndsWith(":latest", StringComparison.Ordinal);
    }

    public static IEnumerable<StatusCause> Validate(JsonObject? spec, string path)
    {
        if (spec is null || spec.Arr("containers") is not { Count: > 0 })
        {
            yield return new("FieldValueRequired", "Required value", path + ".containers");
            yield break;
        }
        var volumes = new HashSet<string>();
        foreach (var (volume, i) in Items(spec, "volumes"))
        {
            var at = $"{path}.volumes[{i}].name";
            var name = volume.Str("name") ?? "";
            if (name.Length == 0)
                yield return new("FieldValueRequired", "Required value", at);
            else if (Names.DnsLabelProblem(name) is { } problem)
                yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", at);
            else if (!volumes.Add(name))
                yield return new("FieldValueDuplicate", $"Duplicate value: \"{name}\"", at);
            if (volume.Count > 2)
                yield return new("FieldValueForbidden", "Forbidden: may not specify more than 1 volume type", $"{path}.volumes[{i}]");
        }
        if (spec.Str("restartPolicy") is { } policy && policy is not ("Always" or "OnFailure" or "Never"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{policy}\": supported values: \"Always\", \"OnFailure\", \"Never\"", path + ".restartPolicy");
        var names = new HashSet<string>();
        foreach (var list in new[] { "initContainers", "containers" })
        {
            foreach (var (container, i) in Items(spec, list))
            {
                var at = $"{path}.{list}[{i}]";
                var name = container.Str("name") ?? "";
                if (name.Length == 0)
                    yield return new("FieldValueRequired", "Required value", at + ".name");
                else if (Names.DnsLabelProblem(name) is { } problem)
                    yield return new("FieldValueInvalid", $"Invalid value: \"{name}\": {problem}", at + ".name");
                else if (!names.Add(name))
                    yield return new("FieldValueDuplicate", $"Duplicate value: \"{name}\"", at + ".name");
                if (string.IsNullOrEmpty(container.Str("image")))
                    yield return new("FieldValueRequired", "Required value", at + ".image");
                foreach (var (mount, j) in Items(container, "volumeMounts"))
                {
                    if (string.IsNullOrEmpty(mount.Str("mountPath")))
                        yield return new("FieldValueRequired", "Required value", $"{at}.volumeMounts[{j}].mountPath");
                    if (!volumes.Contains(mount.Str("name") ?? ""))
                        yield return new("FieldValueNotFound", $"Not found: \"{mount.Str("name")}\"", $"{at}.volumeMounts[{j}].name");
                }
                foreach (var (device, j) in Items(container, "volumeDevices"))
                {
                    if (string.IsNullOrEmpty(device.Str("devicePath")))
                        yield return new("FieldValueRequired", "Required value", $"{at}.volumeDevices[{j}].devicePath");
                    if (!volumes.Contains(device.Str("name") ?? ""))
                        yield return new("FieldValueNotFound", $"Not found: \"{device.Str("name")}\"", $"{at}.volumeDevices[{j}].name");
                }
                foreach (var (port, j) in Items(container, "ports"))
                {
                    if (port.Int("containerPort") is not (> 0 and < 65536))
                        yield return new("FieldValueInvalid", $"Invalid value: {port.Int("containerPort") ?? 0}: must be between 1 and 65535, inclusive", $"{at}.ports[{j}].containerPort");
                }
                foreach (var cause in Quantities(container, at))
                    yield return cause;
            }
        }
    }

    private static IEnumerable<StatusCause> Quantities(JsonObject container, string at)
    {
        foreach (var kind in new[] { "limits", "requests" })
        {
            foreach (var (name, amount) in container.Obj("resources", kind) ?? [])
            {
                var quantity = Quantity(amount);
                if (quantity is null)
                {
                    yield return new("FieldValueInvalid",
                        $"Invalid value: \"{amount.Display()}\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'", $"{at}.resources.{kind}[{name}]");
                }
                else if (kind == "requests" && Quantity(container.At("resources", "limits", name)) is { } limit && quantity > limit)
                    yield return new("FieldValueInvalid", $"Invalid value: \"{amount.Display()}\": must be less than or equal to {name} limit of {container.At("resources", "limits", name).Display()}", $"{at}.resources.requests");
            }
        }
    }

    private static decimal? Quantity(JsonNode? value) =>
        value is not null && Nodes.Model.Quantity.TryParse(value.Display(), out var quantity) ? quantity.Value : null;

    public static string QosClass(JsonObject? spec)
    {
        var containers = (spec.Arr("containers") ?? []).Concat(spec.Arr("initContainers") ?? []).ToList();
        var any = false;
        var guaranteed = containers.Count > 0;
        foreach (var resources in containers.Select(c => c.Obj("resources")))
        {
            foreach (var name in new[] { "cpu", "memory" })
            {
                var (request, limit) = (Quantity(resources.At("requests", name)), Quantity(resources.At("limits", name)));
                any |= request is > 0 || limit is > 0;
                guaranteed &= limit is > 0 && (request ?? limit) == limit;
            }
        }
        return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
    }

    private static IEnumerable<(JsonObject Item, int Index)> Items(JsonObject parent, string list) =>
        (parent.Arr(list) ?? []).Select((n, i) => (n as JsonObject ?? [], i));
}

internal static class Defaults
{
    public static void Fill(this JsonObject obj, string name, JsonNode value)
    {
        if (obj[name] is null)
            obj[name] = value;
    }
}
