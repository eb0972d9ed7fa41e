using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Machinery;

namespace Troupe.DevCluster.Resources;

internal sealed class NamespaceStrategy : ResourceStrategy
{
    public override string? NameProblem(string name) => Names.DnsLabelProblem(name);

    public override void PrepareForCreate(JsonObject obj, StrategyContext context)
    {
        obj.Child("spec")["finalizers"] = new JsonArray("kubernetes");
        obj["status"] = new JsonObject { ["phase"] = "Active" };
    }

    public override void Default(JsonObject obj) => obj.Meta().Child("labels")["kubernetes.io/metadata.name"] = obj.Name();

    public override void PrepareForUpdate(JsonObject obj, JsonObject old, StrategyContext context)
    {
        // Only the finalize subresource takes finalizers off.
        if (old.Obj("spec") is { } spec)
            obj["spec"] = spec.Copy();
    }

    public override bool HoldsDeletion(JsonObject obj) => obj.Arr("spec", "finalizers") is { Count: > 0 };

    public override void BeginDeletion(JsonObject obj) => obj.Child("status")["phase"] = "Terminating";
}

internal sealed class ServiceStrategy : ResourceStrategy
{
    public override string? NameProblem(string name) => Names.DnsLabel1035Problem(name);

    public override void Default(JsonObject obj)
    {
        var spec = obj.Child("spec");
        spec.Fill("type", "ClusterIP");
        spec.Fill("sessionAffinity", "None");
        if (spec.Str("sessionAffinity") == "ClientIP")
            spec.Child("sessionAffinityConfig").Child("clientIP").Fill("timeoutSeconds", 10800L);
        foreach (var port in spec.Arr("ports")?.OfType<JsonObject>() ?? [])
        {
            port.Fill("protocol", "TCP");
            if (port["targetPort"] is null && port.Int("port") is { } number)
                port["targetPort"] = number;
        }
        if (spec.Str("type") == "ExternalName")
            return;
        spec.Fill("internalTrafficPolicy", "Cluster");
        spec.Fill("ipFamilyPolicy", "SingleStack");
        spec.Fill("ipFamilies", new JsonArray("IPv4"));
        if (NodePorts.Has(spec))
            spec.Fill("externalTrafficPolicy", "Cluster");
        if (spec.Str("type") == "LoadBalancer")
            spec.Fill("allocateLoadBalancerNodePorts", true);
    }

    public override void PrepareForCreate(JsonObject obj, StrategyContext context)
    {
        obj["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        Allocate(obj, context);
        NodePorts.Allocate(obj, null, context);
    }

    public override void PrepareForUpdate(JsonObject obj, JsonObject old, StrategyContext context)
    {
        var spec = obj.Child("spec");
        if (spec.Str("type") != "ExternalName" && string.IsNullOrEmpty(spec.Str("clusterIP")) && old.Str("spec", "clusterIP") is { Length: > 0 } ip)
        {
            spec["clusterIP"] = ip;
            spec["clusterIPs"] = new JsonArray(ip);
        }
        Allocate(obj, context);
        NodePorts.Allocate(obj, old, context);
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var spec = obj.Obj("spec");
        var type = spec.Str("type");
        if (type is not ("ClusterIP" or "NodePort" or "LoadBalancer" or "ExternalName"))
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{type}\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"", "spec.type");
        var ports = spec.Arr("ports") ?? [];
        if (ports.Count == 0 && type is not "ExternalName" && spec.Str("clusterIP") != "None")
            yield return new("FieldValueRequired", "Required value", "spec.ports");
        for (var i = 0; i < ports.Count; i++)
        {
            if (ports[i].Int("port") is not (> 0 and < 65536))
                yield return new("FieldValueInvalid", $"Invalid value: {ports[i].Int("port") ?? 0}: must be between 1 and 65535, inclusive", $"spec.ports[{i}].port");
            if (ports[i].Str("protocol") is not ("TCP" or "UDP" or "SCTP"))
                yield return new("FieldValueNotSupported", $"Unsupported value: {ports[i].At("protocol").Quoted()}: supported values: \"SCTP\", \"TCP\", \"UDP\"", $"spec.ports[{i}].protocol");
            if (ports.Count > 1 && string.IsNullOrEmpty(ports[i].Str("name")))
                yield return new("FieldValueRequired", "Required value", $"spec.ports[{i}].name");
        }
        if (spec.Str("sessionAffinity") is not ("None" or "ClientIP"))
            yield return new("FieldValueNotSupported", $"Unsupported value: {spec.At("sessionAffinity").Quoted()}: supported values: \"ClientIP\", \"None\"", "spec.sessionAffinity");
        if (spec.Int("sessionAffinityConfig", "clientIP", "timeoutSeconds") is not (null or (> 0 and <= 86400)) and var timeout)
            yield return new("FieldValueInvalid", $"Invalid value: {timeout}: must be greater than 0 and less than 86400", "spec.sessionAffinityConfig.clientIP.timeoutSeconds");
        foreach (var cause in NodePorts.Problems(obj, context))
            yield return cause;
        if (type == "ExternalName" && string.IsNullOrEmpty(spec.Str("externalName")))
            yield return new("FieldValueRequired", "Required value", "spec.externalName");
        if (old.Str("spec", "clusterIP") is { Length: > 0 } had && type != "ExternalName" && spec.Str("clusterIP") != had)
            yield return new("FieldValueInvalid", $"Invalid value: [\"{spec.Str("clusterIP")}\"]: may not change once set", "spec.clusterIPs[0]");
    }

    /// <summary>10.96.0.0/16, the range kubeadm uses; the address follows from the name so that it comes back after a re-creation.</summary>
    private static void Allocate(JsonObject obj, StrategyContext context)
    {
        var spec = obj.Child("spec");
        if (spec.Str("type") == "ExternalName")
            return;
        if (spec.Str("clusterIP") is { Length: > 0 } asked)
        {
            spec["clusterIPs"] = new JsonArray(asked);
            return;
        }
        var taken = context.State.Table("/services").All().Select(s => s.Field("spec.clusterIP")).ToHashSet();
        var hash = 17u;
        foreach (var b in Encoding.UTF8.GetBytes($"{obj.Namespace()}/{obj.Name()}"))
            hash = unchecked((hash * 31) + b);
        for (var i = 0u; i < 65_000; i++)
        {
            var n = ((hash + i) % 65_000) + 256;
            var ip = new IPAddress([10, 96, (byte)(n >> 8), (byte)n]).ToString();
            if (!taken.Add(ip))
                continue;
            spec["clusterIP"] = ip;
            spec["clusterIPs"] = new JsonArray(ip);
            return;
        }
        throw ApiException.Internal("failed to allocate a serviceIP: range is full");
    }
}

internal sealed class SecretStrategy : ResourceStrategy
{
    public override void Default(JsonObject obj) => obj.Fill("type", "Opaque");

    public override void PrepareForCreate(JsonObject obj, StrategyContext context) => FoldStrings(obj);

    public override void PrepareForUpdate(JsonObject obj, JsonObject old, StrategyContext context) => FoldStrings(obj);

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context) => DataRules.Validate(obj, old).Concat(DataRules.SecretType(obj));

    /// <summary>stringData is for writing only.</summary>
    private static void FoldStrings(JsonObject obj)
    {
        if (obj.Obj("stringData") is { } strings)
        {
            var data = obj.Child("data");
            foreach (var (name, value) in strings)
                data[name] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value.AsString() ?? ""));
        }
        obj.Remove("stringData");
    }
}

internal sealed class ConfigMapStrategy : ResourceStrategy
{
    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context) => DataRules.Validate(obj, old);
}

internal static class DataRules
{
    /// <summary>Of all values together.</summary>
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Keys that a secret of a known type must have.</summary>
    private static readonly Dictionary<string, string[]> RequiredKeys = new()
    {
        ["kubernetes.io/tls"] = ["tls.crt", "tls.key"],
        ["kubernetes.io/dockercfg"] = [".dockercfg"],
        ["kubernetes.io/dockerconfigjson"] = [".dockerconfigjson"],
        ["kubernetes.io/ssh-auth"] = ["ssh-privatekey"],
    };

    public static IEnumerable<StatusCause> SecretType(JsonObject secret) =>
        (RequiredKeys.GetValueOrDefault(secret.Str("type") ?? "") ?? []).Where(k => secret.Obj("data")?.ContainsKey(k) != true)
            .Select(k => new StatusCause("FieldValueRequired", "Required value", $"data[{k}]"));

    public static IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old)
    {
        foreach (var field in new[] { "data", "binaryData" })
        {
            foreach (var key in (obj.Obj(field) ?? []).Select(p => p.Key))
            {
                if (key.Length is 0 or > 253 || key is "." or ".." || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
                    yield return new("FieldValueInvalid", $"Invalid value: \"{key}\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')", $"{field}[{key}]");
            }
        }
        foreach (var key in (obj.Obj("binaryData") ?? []).Select(p => p.Key).Where(k => obj.Obj("data")?.ContainsKey(k) == true))
            yield return new("FieldValueInvalid", $"Invalid value: \"{key}\": duplicate of key present in binaryData", $"data[{key}]");
        var size = (obj.Obj("data") ?? []).Concat(obj.Obj("binaryData") ?? []).Sum(p => Encoding.UTF8.GetByteCount(p.Value.AsString() ?? ""));
        if (size > MaxBytes)
            yield return new("FieldValueTooLong", $"Too long: may not be more than {MaxBytes} bytes", obj.Str("kind") == "Secret" ? "data" : "");
        if (old.Bool("immutable") != true)
            yield break;
        if (obj.Bool("immutable") != true)
            yield return new("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "immutable");
        foreach (var field in new[] { "data", "binaryData" })
        {
            if (!old.At(field).SameAs(obj.At(field)))
                yield return new("FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", field);
        }
    }
}

internal sealed class LeaseStrategy : ResourceStrategy
{
    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        if (obj.Int("spec", "leaseDurationSeconds") is <= 0 and var seconds)
            yield return new("FieldValueInvalid", $"Invalid value: {seconds}: must be greater than 0", "spec.leaseDurationSeconds");
        if (obj.Int("spec", "leaseTransitions") is < 0 and var transitions)
            yield return new("FieldValueInvalid", $"Invalid value: {transitions}: must be greater than or equal to 0", "spec.leaseTransitions");
    }
}

/// <summary>Workloads with a pod template: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job.</summary>
internal sealed class WorkloadStrategy(bool replicated, bool selectsByUser = true) : ResourceStrategy
{
    public override void Default(JsonObject obj)
    {
        var spec = obj.Child("spec");
        if (replicated)
            spec.Fill("replicas", 1L);
        WorkloadDefaults.Fill(spec, obj.Str("kind"));
        if (spec.Obj("template", "spec") is { } template)
            PodTemplates.Default(template);
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        var spec = obj.Obj("spec");
        foreach (var cause in PodTemplates.Validate(spec.Obj("template", "spec"), "spec.template.spec"))
            yield return cause;
        if (spec.Int("replicas") is < 0 and var replicas)
            yield return new("FieldValueInvalid", $"Invalid value: {replicas}: must be greater than or equal to 0", "spec.replicas");
        if (spec.Str("template", "spec", "restartPolicy") is { } policy && policy != "Always")
            yield return new("FieldValueNotSupported", $"Unsupported value: \"{policy}\": supported values: \"Always\"", "spec.template.spec.restartPolicy");
        if (!selectsByUser)
            yield break;
        var selector = spec.Obj("selector");
        if (selector is null)
        {
            yield return new("FieldValueRequired", "Required value", "spec.selector");
            yield break;
        }
        var labels = spec.Obj("template", "metadata", "labels");
        if ((selector.Obj("matchLabels") ?? []).Any(l => labels.Str(l.Key) != l.Value.AsString()))
            yield return new("FieldValueInvalid", $"Invalid value: {labels.ToUtf8Text()}: `selector` does not match template `labels`", "spec.template.metadata.labels");
        if (old is not null && !old.At("spec", "selector").SameAs(selector))
            yield return new("FieldValueInvalid", $"Invalid value: {selector.ToUtf8Text()}: field is immutable", "spec.selector");
    }
}

internal sealed class JobStrategy : ResourceStrategy
{
    public override void Default(JsonObject obj)
    {
        var spec = obj.Child("spec");
        spec.Fill("backoffLimit", 6L);
        spec.Fill("completionMode", "NonIndexed");
        spec.Fill("suspend", false);
        if (spec["completions"] is null && spec["parallelism"] is null)
            spec["completions"] = 1L;
        spec.Fill("parallelism", 1L);
        if (spec.Obj("template", "spec") is { } template)
            PodTemplates.Default(template);
    }

    /// <summary>A job finds its pods by its own uid unless the user insists on a selector of his own.</summary>
    public override void PrepareForCreate(JsonObject obj, StrategyContext context)
    {
        if (obj.Bool("spec", "manualSelector") == true || obj.Str("metadata", "uid") is not { } uid)
            return;
        var labels = obj.Child("spec").Child("template").Meta().Child("labels");
        labels["batch.kubernetes.io/controller-uid"] = uid;
        labels["batch.kubernetes.io/job-name"] = obj.Name();
        labels["controller-uid"] = uid;
        labels["job-name"] = obj.Name();
        obj.Child("spec")["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["batch.kubernetes.io/controller-uid"] = uid } };
    }

    public override IEnumerable<StatusCause> Validate(JsonObject obj, JsonObject? old, StrategyContext context)
    {
        foreach (var cause in PodTemplates.Validate(obj.Obj("spec", "template", "spec"), "spec.template.spec"))
            yield return cause;
        if (obj.Str("spec", "template", "spec", "restartPolicy") is "Always")
            yield return new("FieldValueRequired", "Required value: valid values: \"OnFailure\", \"Never\"", "spec.template.spec.restartPolicy");
    }
}

/// <summary>events.k8s.io/v1 and core/v1 are two views of one stored event (core's).</summary>
internal static class EventShapes
{
    private static readonly (string Core, string New)[] Renamed =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("reportingComponent", "reportingController"),
        ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ];

    public static JsonObject FromCore(JsonObject obj) => Rename(obj, Renamed);

    public static JsonObject ToCore(JsonObject obj) => Rename(obj, Renamed.Select(r => (r.New, r.Core)));

    private static JsonObject Rename(JsonObject obj, IEnumerable<(string From, string To)> names)
    {
        foreach (var (from, to) in names)
        {
            if (obj[from] is { } value)
            {
                obj.Remove(from);
                obj[to] = value;
            }
        }
        return obj;
    }
}

internal static class Timestamps
{
    /// <summary>metav1.Time: UTC, whole seconds.</summary>
    public static string Kube(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
