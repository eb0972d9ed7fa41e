using System.Text.Json.Nodes;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Api;

internal enum Operation
{
    Create,
    Update,
    Delete,
    Connect,
}

/// <summary>A write on its way into the store. A mutating step changes <see cref="Object"/> in place.</summary>
internal sealed record AdmissionRequest(
    RequestContext Context,
    Operation Operation,
    ResourceDefinition Definition,
    string Namespace,
    string Name,
    string Subresource,
    JsonObject? Object,
    JsonObject? OldObject);

/// <summary>One admission plug-in; refuses by throwing an <see cref="ApiException"/>.</summary>
internal interface IAdmissionStep
{
    ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct);
}

/// <summary>Mutating steps run first, in order; then the object is validated; then the validating steps run.</summary>
internal sealed class AdmissionChain(IReadOnlyList<IAdmissionStep> mutating, IReadOnlyList<IAdmissionStep> validating)
{
    public async ValueTask MutateAsync(AdmissionRequest request, CancellationToken ct)
    {
        foreach (var step in mutating)
            await step.AdmitAsync(request, ct);
    }

    public async ValueTask ValidateAsync(AdmissionRequest request, CancellationToken ct)
    {
        foreach (var step in validating)
            await step.AdmitAsync(request, ct);
    }
}

/// <summary>Objects can only be created in a namespace that exists and isn't going away.</summary>
internal sealed class NamespaceLifecycle(ObjectStore store) : IAdmissionStep
{
    private static readonly string[] Immortal = ["default", "kube-system", "kube-public"];

    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request.Operation == Operation.Delete && request.Definition.Key == ResourceKey.Namespaces && Immortal.Contains(request.Name))
            throw ApiException.Forbidden(request.Definition.Key, request.Name, "this namespace may not be deleted");
        if (request.Operation != Operation.Create || request.Namespace.Length == 0 || request.Definition.Answer is not null)
            return ValueTask.CompletedTask;
        var ns = store.State.Table("/namespaces").Find("", request.Namespace)
            ?? throw ApiException.NotFound(ResourceKey.Namespaces, request.Namespace);
        if (ns.Index.Deleting)
        {
            throw ApiException.Forbidden(request.Definition.Key, request.Name,
                $"unable to create new content in namespace {request.Namespace} because it is being terminated",
                new StatusCause("NamespaceTerminating", $"namespace {request.Namespace} is being terminated", "metadata.namespace"));
        }
        return ValueTask.CompletedTask;
    }
}

/// <summary>Pods run under their namespace's default service account unless they name one; the account must be there.</summary>
internal sealed class ServiceAccountDefault(ObjectStore store, TimeProvider time) : IAdmissionStep
{
    private const string Default = "default";
    private const int Tries = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public async ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Operation: Operation.Create, Subresource: "", Object: { } pod } || request.Definition.Key != ResourceKey.Pods || pod.Obj("spec") is not { } spec)
            return;
        if (string.IsNullOrEmpty(spec.Str("serviceAccountName")))
        {
            spec["serviceAccountName"] = Default;
            spec["serviceAccount"] = Default;
        }
        var account = spec.Str("serviceAccountName")!;
        // A new namespace gets its own a moment after itself, and whoever makes both in one go must not lose that race.
        for (var tried = 0; store.State.Table("/serviceaccounts").Find(request.Namespace, account) is null; tried++)
        {
            if (account != Default || tried == Tries)
                throw ApiException.Forbidden(ResourceKey.Pods, request.Name, $"error looking up service account {request.Namespace}/{account}: serviceaccount \"{account}\" not found");
            await Task.Delay(Pause, time, ct);
        }
    }
}

/// <summary>A pod's priority comes from its class, or from the class that is the default.</summary>
internal sealed class PriorityAdmission(ObjectStore store) : IAdmissionStep
{
    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        if (request is not { Operation: Operation.Create, Subresource: "", Object: { } pod } || request.Definition.Key != ResourceKey.Pods || pod.Obj("spec") is not { } spec)
            return ValueTask.CompletedTask;
        var classes = store.State.Table("scheduling.k8s.io/priorityclasses");
        var name = spec.Str("priorityClassName") ?? "";
        var chosen = name.Length > 0
            ? classes.Find("", name)?.Parse() ?? throw ApiException.Forbidden(ResourceKey.Pods, request.Name, $"no PriorityClass with name {name} was found")
            : classes.All().Select(c => c.Parse()).FirstOrDefault(c => c.Bool("globalDefault") == true);
        spec["priority"] = chosen.Int("value") ?? 0;
        if (chosen is not null)
            spec["priorityClassName"] = chosen.Name();
        spec.Fill("preemptionPolicy", chosen.Str("preemptionPolicy") ?? "PreemptLowerPriority");
        return ValueTask.CompletedTask;
    }
}
