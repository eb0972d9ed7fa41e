using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Admission.Schema;
using Troupe.Messages.Api;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Admission.Review;

/// <summary>A request with what is known about its surroundings.</summary>
/// <param name="BySystem">It comes from one of the control plane's own accounts, which may do what users may not.</param>
public sealed record AdmissionCall(AdmissionRequest Request, ClusterConfig Config, IClusterObjects Objects, bool BySystem, DateTimeOffset Now)
{
    public bool IsCreate => Request.Operation == AdmissionRequest.Create;
    public bool IsUpdate => Request.Operation == AdmissionRequest.Update;

    /// <summary>The object, or why it can't be read.</summary>
    /// <param name="hasSchema">False where the API server's schema is the only one.</param>
    public (T? Object, Verdict? Refusal) Read<T>(bool hasSchema = true) where T : KubeObject
    {
        var kind = ModelSchema.Of(typeof(T));
        if (SchemaCheck.Problems(Request.Object, kind, hasSchema).ToList() is { Count: > 0 } problems)
            return (null, Verdict.Of(problems));
        return SchemaCheck.ReadProblem(Request.Object, kind) is { } unreadable
            ? (null, Verdict.Error(unreadable))
            : (Deserialize<T>(Request.Object), null);
    }

    /// <summary>What an update replaces; null at creation.</summary>
    public T? ReadOld<T>() where T : KubeObject => Request.OldObject.ValueKind is JsonValueKind.Object ? Deserialize<T>(Request.OldObject) : null;

    private T Deserialize<T>(JsonElement json) where T : KubeObject
    {
        var obj = (T)json.Deserialize(typeof(T), ApiJson.Default)!;
        // Before it is stored, an object's namespace may stand in the request alone.
        return obj.Metadata.Namespace is { Length: > 0 } || Request.Namespace is not { Length: > 0 } ns ? obj : obj with { Metadata = obj.Metadata with { Namespace = ns } };
    }
}

/// <summary>Other objects that some rules ask for.</summary>
public interface IClusterObjects
{
    /// <summary>Null when there is none.</summary>
    Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject;

    Task<IReadOnlyList<T>> ListAsync<T>(string? ns, CancellationToken ct) where T : KubeObject => ListAsync<T>(ns, null, ct);

    Task<IReadOnlyList<T>> ListAsync<T>(string? ns, string? labelSelector, CancellationToken ct) where T : KubeObject;

    /// <summary>An object of a kind outside of the model; null when it or its kind is not there.</summary>
    /// <param name="path">Below the API server's root, such as <c>apis/GROUP/VERSION/namespaces/NS/RESOURCE/NAME</c>.</param>
    Task<JsonElement?> FindRawAsync(string path, CancellationToken ct);

    /// <summary>A JSON patch (RFC 6902) of another object, for the few webhooks that have side effects.</summary>
    Task PatchAsync<T>(string? ns, string name, JsonArray patch, bool dryRun, CancellationToken ct) where T : KubeObject;
}

/// <summary>The answer to a call.</summary>
/// <param name="Mutated">The object as it is to be stored, from a mutating webhook that changed it.</param>
public sealed record AdmissionAnswer(Verdict Verdict, KubeObject? Mutated = null)
{
    public static AdmissionAnswer Allowed { get; } = new(Verdict.Allowed);

    public static implicit operator AdmissionAnswer(Verdict verdict) => new(verdict);
}

/// <summary>One webhook's decision.</summary>
public delegate Task<AdmissionAnswer> Admitter(AdmissionCall call, CancellationToken ct);
