using System.Text.Json.Nodes;
using Troupe.Kubernetes.Client;

namespace Troupe.ControlPlane.Hosting;

/// <summary>The accounts of the control plane and its agents, which write what users may not.</summary>
public static class SystemAccounts
{
    private static readonly string[] Names = ["kubevirt-apiserver", "kubevirt-controller", "kubevirt-handler", "kubevirt-synchronization-controller"];

    /// <param name="ns">Namespace of the installation.</param>
    public static async Task<IReadOnlySet<string>> LoadAsync(IKubeClient kubernetes, string ns, CancellationToken ct)
    {
        var review = await kubernetes.PostRawAsync("apis/authentication.k8s.io/v1/selfsubjectreviews",
            new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "SelfSubjectReview" }, ct);
        var self = (string?)review["status"]?["userInfo"]?["username"] ?? throw new InvalidOperationException("the API server does not tell who this process is");
        return Names.Select(n => $"system:serviceaccount:{ns}:{n}").Append(self).ToHashSet();
    }
}
