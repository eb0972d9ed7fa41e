using Troupe.DevCluster.Api;
using Troupe.DevCluster.Resources;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Admission;

/// <summary>Objects of a CRD that is going away can't be created any more.</summary>
internal sealed class TerminatingCrds(ObjectStore store) : IAdmissionStep
{
    public ValueTask AdmitAsync(AdmissionRequest request, CancellationToken ct)
    {
        var definition = request.Definition;
        return request.Operation == Operation.Create && definition.IsCustom
            && store.State.Table(CustomResources.Table).Find("", definition.Key.ToString())?.Index.Deleting == true
            ? throw new ApiException(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating", [])
            : ValueTask.CompletedTask;
    }
}
