using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

/// <summary>Sends objects through the webhooks as the API server does: mutating first, then validating.</summary>
internal sealed class AdmissionHarness
{
    public const string User = "alice";
    public const string System = "system:serviceaccount:kubevirt:kubevirt-controller";
    public static readonly DateTimeOffset Now = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
    private readonly WebhookTable _table = new(new StoredInstancetypes());

    public ClusterConfig Config { get; init; } = ClusterConfig.Default;
    public FakeObjects Objects { get; } = new();

    public static AdmissionHarness With(params string[] gates) => new() { Config = ClusterConfig.Default with { EnabledGates = gates } };

    public Task<(Verdict Verdict, JsonObject? Stored)> CreateAsync(JsonObject obj, string user = User) => SendAsync(AdmissionRequest.Create, obj, null, user);

    public Task<(Verdict Verdict, JsonObject? Stored)> UpdateAsync(JsonObject old, JsonObject obj, string user = User) => SendAsync(AdmissionRequest.Update, obj, old, user);

    private async Task<(Verdict, JsonObject?)> SendAsync(string operation, JsonObject obj, JsonObject? old, string user)
    {
        var group = ((string)obj["apiVersion"]!).Split('/')[0];
        var resource = Resource((string)obj["kind"]!);
        IReadOnlyList<string> warnings = [];
        foreach (var webhook in _table.All.Where(w => w.Group == group && w.Resources.Contains(resource) && w.Operations.Contains(operation)))
        {
            var request = new AdmissionRequest
            {
                Operation = operation,
                Object = Element(obj),
                OldObject = old is null ? default : Element(old),
                Namespace = "default",
                UserInfo = new UserInfo { Username = user },
            };
            var answer = await webhook.Admit(new AdmissionCall(request, Config, Objects, user == System, Now), TestContext.Current.CancellationToken);
            if (!answer.Verdict.IsAllowed)
                return (answer.Verdict, null);
            warnings = [.. warnings, .. answer.Verdict.Warnings];
            if (answer.Mutated is { } mutated)
                obj = JsonSerializer.SerializeToNode(mutated, mutated.GetType(), ApiJson.Default)!.AsObject();
        }

        return (Verdict.AllowedWith(warnings), obj);
    }

    private static string Resource(string kind) => kind switch
    {
        "MigrationPolicy" => "migrationpolicies",
        _ => $"{kind.ToLowerInvariant()}s",
    };

    private static JsonElement Element(JsonObject obj) => JsonSerializer.SerializeToElement(obj);
}

internal sealed class FakeObjects : IClusterObjects
{
    private readonly List<(Type Type, KubeObject Object)> _objects = [];
    private readonly Dictionary<string, JsonElement> _raw = [];

    public void Add<T>(T obj) where T : KubeObject => _objects.Add((typeof(T), obj));

    public void AddRaw(string path, string json) => _raw[path] = JsonSerializer.Deserialize<JsonElement>(json);

    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject =>
        Task.FromResult(_objects.Where(o => o.Type == typeof(T)).Select(o => (T)o.Object).FirstOrDefault(o => o.Metadata.Name == name && (ns is null || o.Metadata.Namespace == ns)));

    public Task<IReadOnlyList<T>> ListAsync<T>(string? ns, string? labelSelector, CancellationToken ct) where T : KubeObject =>
        Task.FromResult<IReadOnlyList<T>>([.. _objects.Where(o => o.Type == typeof(T)).Select(o => (T)o.Object).Where(o => ns is null || o.Metadata.Namespace == ns)]);

    public Task<JsonElement?> FindRawAsync(string path, CancellationToken ct) => Task.FromResult<JsonElement?>(_raw.TryGetValue(path, out var value) ? value : null);

    /// <summary>What was changed, and whether only to see if it could be.</summary>
    public List<(string Name, string Patch, bool DryRun)> Patches { get; } = [];

    /// <summary>Refuses every change.</summary>
    public Exception? PatchRefusal { get; init; }

    public Task PatchAsync<T>(string? ns, string name, JsonArray patch, bool dryRun, CancellationToken ct) where T : KubeObject
    {
        if (PatchRefusal is { } refusal)
            throw refusal;
        Patches.Add((name, patch.ToJsonString(), dryRun));
        return Task.CompletedTask;
    }
}

internal static class Objects
{
    public static JsonObject Vmi() => Parse("""
        {
          "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance", "metadata": { "name": "vmi", "namespace": "default" },
          "spec": {
            "domain": { "devices": { "disks": [{ "name": "root", "disk": { "bus": "virtio" } }] }, "memory": { "guest": "128Mi" } },
            "volumes": [{ "name": "root", "containerDisk": { "image": "registry/demo:1" } }]
          }
        }
        """);

    public static JsonObject Vm() => Parse("""
        {
          "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": { "name": "vm", "namespace": "default" },
          "spec": {
            "runStrategy": "Always",
            "template": { "spec": {
              "domain": { "devices": { "disks": [{ "name": "root", "disk": { "bus": "virtio" } }] }, "memory": { "guest": "128Mi" } },
              "volumes": [{ "name": "root", "containerDisk": { "image": "registry/demo:1" } }]
            } }
          }
        }
        """);

    public static JsonObject Parse(string json) => JsonNode.Parse(json)!.AsObject();

    /// <summary>Puts JSON text at a path such as `spec.domain.devices.disks[0].serial`; `null` removes what is there.</summary>
    public static JsonObject Set(this JsonObject obj, string path, string json)
    {
        var steps = path.Replace("[", ".").Replace("]", "").Split('.');
        JsonNode at = obj;
        foreach (var step in steps[..^1])
        {
            if (at is JsonArray array)
                at = array[int.Parse(step)]!;
            else
                at = at[step] ??= new JsonObject();
        }

        if (json == "null")
            at.AsObject().Remove(steps[^1]);
        else if (at is JsonArray list)
            list[int.Parse(steps[^1])] = JsonNode.Parse(json);
        else
            at[steps[^1]] = JsonNode.Parse(json);
        return obj;
    }
}
