using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Crds;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Hosting;

/// <summary>Puts into the cluster what the control plane needs there, by server-side apply: any number of replicas may do it at once.</summary>
public sealed class Installer(IKubeClient kubernetes, ILogger<Installer> log)
{
    public const string FieldManager = "troupe-installer";
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns when the API server serves the kinds.</summary>
    public async Task InstallCrdsAsync(CancellationToken ct)
    {
        foreach (var crd in KubeVirtCrds.All.Values)
            await ApplyAsync($"apis/apiextensions.k8s.io/v1/customresourcedefinitions/{(string?)crd["metadata"]!["name"]}", crd, ct);
        await UntilAsync("the VirtualMachineInstance API", () => kubernetes.ListAsync<VirtualMachineInstance>(null, new ListQuery(Limit: 1), ct), ct);
    }

    public Task ApplyAsync(string path, System.Text.Json.Nodes.JsonObject obj, CancellationToken ct) =>
        UntilAsync(path, () => kubernetes.ApplyRawAsync(path, obj, FieldManager, ct), ct);

    /// <summary>An API server that is not there yet, or not for us yet, is waited for; anything else it refuses is an error.</summary>
    private async Task UntilAsync(string what, Func<Task> call, CancellationToken ct)
    {
        for (var said = false; ; said = true)
        {
            try
            {
                await call();
                return;
            }
            catch (Exception e) when (e is HttpRequestException or KubeException { IsTransient: true } or KubeException { IsNotFound: true })
            {
                if (!said)
                    log.LogInformation("waiting for {What}: {Error}", what, e.Message);
            }

            await Task.Delay(Retry, ct);
        }
    }
}
