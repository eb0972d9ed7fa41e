using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Tests.Vmi.Crash;

/// <summary>One VMI and its pods, with the API server's rules about versions, UIDs and finalizers; it outlives every incarnation of the actor.</summary>
internal sealed class ScriptedApi(VirtualMachineInstance vmi)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Pod> _pods = [];
    private JsonObject? _vmi = JsonSerializer.SerializeToNode(vmi, ApiJson.Default.VirtualMachineInstance)!.AsObject();
    private long _version = 100;

    /// <summary>Raised after each change, without a lock held.</summary>
    public event Action? Changed;

    public int PodsCreated { get; private set; }

    /// <summary>The phases that the object showed, in order.</summary>
    public List<string> Phases { get; } = [];

    public VirtualMachineInstance? Vmi
    {
        get
        {
            lock (_lock)
                return _vmi.Deserialize(ApiJson.Default.VirtualMachineInstance);
        }
    }

    public IReadOnlyList<Pod> Pods
    {
        get
        {
            lock (_lock)
                return [.. _pods.Values];
        }
    }

    public T? Find<T>(string name) where T : KubeObject => typeof(T) == typeof(Pod)
        ? (T?)(object?)Pods.FirstOrDefault(p => p.Metadata.Name == name)
        : (T?)(object?)Vmi;

    public Pod CreatePod(Pod pod) => Change(() =>
    {
        if (_pods.ContainsKey(pod.Metadata.Name!))
            throw Refusal(409, "AlreadyExists", $"pods \"{pod.Metadata.Name}\" already exists", pod.Metadata.Name!);
        PodsCreated++;
        return _pods[pod.Metadata.Name!] = Versioned(pod with
        {
            Metadata = pod.Metadata with { Uid = $"{pod.Metadata.Name}-uid-{PodsCreated}" },
            Status = new PodStatus { Phase = "Pending" },
        });
    });

    public void DeletePod(string name, string? uid) => Change(() =>
    {
        var pod = _pods.GetValueOrDefault(name) ?? throw NotFound(name);
        return uid is not null && pod.Metadata.Uid != uid ? throw Conflict(name) : _pods.Remove(name);
    });

    /// <summary>What kubelet does.</summary>
    public void UpdatePod(string name, Func<Pod, Pod> update) => Change(() =>
    {
        if (_pods.TryGetValue(name, out var pod))
            _pods[name] = Versioned(update(pod));
        return true;
    });

    public Pod PatchPodStatus(string name, JsonObject patch) => Change(() =>
    {
        var pod = _pods.GetValueOrDefault(name) ?? throw NotFound(name);
        if ((string?)patch["metadata"]?["uid"] is { } uid && uid != pod.Metadata.Uid)
            throw Conflict(name);
        var condition = new JsonObject { ["status"] = patch["status"]!.DeepClone() }.Deserialize(ApiJson.Default.Pod)!.Status!.Conditions![0];
        var others = (pod.Status?.Conditions ?? []).Where(c => c.Type != condition.Type);
        return _pods[name] = Versioned(pod with { Status = pod.Status! with { Conditions = [.. others, condition] } });
    });

    public VirtualMachineInstance PatchVmi(JsonObject patch) => Change(() =>
    {
        var current = _vmi ?? throw NotFound("demo");
        var (version, uid) = ((string?)patch["metadata"]?["resourceVersion"], (string?)patch["metadata"]?["uid"]);
        if ((version is not null && version != (string?)current["metadata"]!["resourceVersion"]) || (uid is not null && uid != (string?)current["metadata"]!["uid"]))
            throw Conflict("demo");
        _vmi = Merge(current.DeepClone().AsObject(), patch);
        _vmi["metadata"]!["resourceVersion"] = $"{++_version}";
        if ((string?)_vmi["status"]?["phase"] is { } phase && Phases.LastOrDefault() != phase)
            Phases.Add(phase);
        var written = _vmi.Deserialize(ApiJson.Default.VirtualMachineInstance)!;
        RemoveWhenFree();
        return written;
    });

    /// <summary>`kubectl delete vmi`.</summary>
    public void DeleteVmi(DateTimeOffset now) => Change(() =>
    {
        var metadata = _vmi!["metadata"]!;
        metadata["deletionTimestamp"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
        metadata["resourceVersion"] = $"{++_version}";
        RemoveWhenFree();
        return true;
    });

    public static KubeException NotFound(string name) => Refusal(404, "NotFound", $"\"{name}\" not found", name);

    public static KubeException Conflict(string name) => Refusal(409, "Conflict", $"Operation cannot be fulfilled on \"{name}\"", name);

    private static KubeException Refusal(int code, string reason, string message, string name) =>
        new(new Status { Code = code, Reason = reason, Message = message, Details = new StatusDetails { Name = name } });

    private void RemoveWhenFree()
    {
        var metadata = _vmi!["metadata"]!.AsObject();
        if (metadata.ContainsKey("deletionTimestamp") && metadata["finalizers"] is not JsonArray { Count: > 0 })
            _vmi = null;
    }

    private T Change<T>(Func<T> change)
    {
        T result;
        lock (_lock)
            result = change();
        Changed?.Invoke();
        return result;
    }

    private Pod Versioned(Pod pod) => pod with { Metadata = pod.Metadata with { ResourceVersion = $"{++_version}" } };

    private static JsonObject Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject nested && target[name] is JsonObject inner)
                Merge(inner, nested);
            else
                target[name] = value.DeepClone();
        }

        return target;
    }
}
