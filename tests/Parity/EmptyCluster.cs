using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Instancetypes;
using Troupe.ControlPlane.Admission.Review;
using Troupe.Messages.Api.Instancetype;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.Parity;

/// <summary>A cluster without a single object, as in the recorded answers.</summary>
public sealed class EmptyCluster : IClusterObjects
{
    public Task<T?> FindAsync<T>(string? ns, string name, CancellationToken ct) where T : KubeObject => Task.FromResult<T?>(null);

    public Task<IReadOnlyList<T>> ListAsync<T>(string? ns, string? labelSelector, CancellationToken ct) where T : KubeObject => Task.FromResult<IReadOnlyList<T>>([]);

    public Task<JsonElement?> FindRawAsync(string path, CancellationToken ct) => Task.FromResult<JsonElement?>(null);

    public Task PatchAsync<T>(string? ns, string name, JsonArray patch, bool dryRun, CancellationToken ct) where T : KubeObject =>
        throw new InvalidOperationException($"an empty cluster has no {name} to change");
}

/// <summary>No instancetype or preference exists.</summary>
public sealed class NoInstancetypes : IInstancetypes
{
    public Task<VirtualMachinePreferenceSpec?> FindPreferenceAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct) =>
        Task.FromResult<VirtualMachinePreferenceSpec?>(null);

    public Task<AppliedInstancetype> ApplyAsync(VirtualMachine vm, IClusterObjects objects, CancellationToken ct) => Task.FromResult(AppliedInstancetype.Unchanged(vm));
}
