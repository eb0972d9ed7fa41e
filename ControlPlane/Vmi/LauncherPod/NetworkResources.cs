using System.Globalization;
using System.Text.Json;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;

namespace Troupe.ControlPlane.Vmi.LauncherPod;

/// <summary>
/// The devices behind Multus' networks, such as SR-IOV functions: the definition of a network names the resource that its pods are to ask for. By
/// default the network resources injector writes that into the pod; without the gate ExternalNetResourceInjection it is done here.
/// </summary>
internal static class NetworkResources
{
    private const string ResourceName = "k8s.v1.cni.cncf.io/resourceName";

    /// <summary>One name for each network that stands for a device.</summary>
    /// <param name="find">What is at a path of the API; null when nothing is.</param>
    /// <exception cref="KubeException">A network is not defined.</exception>
    public static async Task<IReadOnlyList<string>> OfAsync(VirtualMachineInstance vmi, Func<string, CancellationToken, Task<JsonElement?>> find, CancellationToken ct)
    {
        List<string> resources = [];
        foreach (var definition in (vmi.Spec?.Networks ?? []).Select(n => n.Multus?.NetworkName).OfType<string>())
        {
            var (ns, name) = LauncherNetworks.Located(vmi, definition);
            var found = await find($"apis/k8s.cni.cncf.io/v1/namespaces/{ns}/network-attachment-definitions/{name}", ct).ConfigureAwait(false) ?? throw new KubeException(new Status
            {
                Code = 404,
                Reason = "NotFound",
                Message = $"failed to render launch manifest: failed to locate network attachment definition {ns}/{name}",
            });
            if (found.GetProperty("metadata").TryGetProperty("annotations", out var annotations) && annotations.TryGetProperty(ResourceName, out var resource) && resource.GetString() is { Length: > 0 } asked)
                resources.Add(asked);
        }

        return resources;
    }

    /// <summary>The launcher's container asks for these, too.</summary>
    public static Pod With(Pod pod, IReadOnlyList<string> resources) => resources.Count == 0 ? pod : pod with
    {
        Spec = pod.Spec! with
        {
            Containers = [.. pod.Spec.Containers!.Select(c => c.Name != LauncherPodRenderer.ComputeContainer ? c : c with
            {
                Resources = c.Resources! with { Requests = Plus(c.Resources.Requests, resources), Limits = Plus(c.Resources.Limits, resources) },
            })],
        },
    };

    private static Dictionary<string, Quantity> Plus(IReadOnlyDictionary<string, Quantity>? has, IReadOnlyList<string> resources)
    {
        var all = new Dictionary<string, Quantity>(has ?? new Dictionary<string, Quantity>());
        foreach (var resource in resources.GroupBy(r => r))
            all[resource.Key] = new Quantity(((all.TryGetValue(resource.Key, out var before) ? before.Units : 0) + resource.Count()).ToString(CultureInfo.InvariantCulture));
        return all;
    }
}
