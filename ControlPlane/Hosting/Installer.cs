using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Webhooks;
using Troupe.ControlPlane.Subresources;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Crds;
using Troupe.Messages.Api.KubeVirt;

namespace Troupe.ControlPlane.Hosting;

/// <summary>Puts into the cluster what the control plane needs there, by server-side apply: any number of replicas may do it at once.</summary>
public sealed class Installer(IKubeClient kubernetes, ILogger<Installer> log)
{
    public const string FieldManager = "troupe-installer";

    /// <summary>The Service that leads to a control plane on the API server's own host.</summary>
    public const string LocalService = "troupe-subresources";
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns when the API server serves the kinds.</summary>
    public async Task InstallCrdsAsync(CancellationToken ct)
    {
        const string path = "apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        foreach (var definition in KubeVirtCrds.Definitions)
        {
            var crd = KubeVirtCrds.All[definition.FileName];
            if (definition.OwnedElsewhere)
                await UntilAsync(definition.Name, () => CreateIfAbsentAsync(path, crd, ct), ct);
            else
                await ApplyAsync($"{path}/{definition.Name}", crd, ct);
        }

        await UntilAsync("the VirtualMachineInstance API", () => kubernetes.ListAsync<VirtualMachineInstance>(null, new ListQuery(Limit: 1), ct), ct);
    }

    /// <summary>An account that may not hand out rights is not asked to: then the cluster's administrator makes the roles.</summary>
    public async Task InstallRolesAsync(CancellationToken ct)
    {
        try
        {
            foreach (var (path, role) in UserRoles.Build())
                await ApplyAsync(path, role, ct);
        }
        catch (KubeException e) when (e.Code == 403)
        {
            log.LogWarning("the cluster roles for users are left as they are: {Error}", e.Message);
        }
    }

    /// <summary>Tells the API server where the subresource API and the webhooks are, and which authorities to trust there.</summary>
    public async Task InstallEndpointsAsync(ControlPlaneOptions options, WebhookTable webhooks, string caPem, CancellationToken ct)
    {
        await InstallApiServicesAsync(options, caPem, ct);
        var address = new WebhookAddress(options.ServiceName is null ? $"https://localhost:{options.ApiPort}" : null, options.ServiceNamespace, options.ServiceName ?? LocalService);
        foreach (var (path, configuration) in WebhookConfigurations.Build(webhooks.All, address, caPem))
            await ApplyAsync(path, configuration, ct);
    }

    /// <summary>Gives the subresource API's versions to this process (or to the Service that leads to its replicas).</summary>
    public async Task InstallApiServicesAsync(ControlPlaneOptions options, string caPem, CancellationToken ct)
    {
        var (name, port) = (options.ServiceName ?? LocalService, options.ServiceName is null ? options.ApiPort : 443);
        if (options.ServiceName is null)
        {
            await ApplyAsync($"api/v1/namespaces/{options.ServiceNamespace}/services/{name}", new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Service",
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = options.ServiceNamespace },
                ["spec"] = new JsonObject { ["type"] = "ExternalName", ["externalName"] = "localhost" },
            }, ct);
        }

        foreach (var version in SubresourceApi.Versions)
        {
            await ApplyAsync($"apis/apiregistration.k8s.io/v1/apiservices/{version}.{SubresourceApi.Group}", new JsonObject
            {
                ["apiVersion"] = "apiregistration.k8s.io/v1",
                ["kind"] = "APIService",
                ["metadata"] = new JsonObject { ["name"] = $"{version}.{SubresourceApi.Group}" },
                ["spec"] = new JsonObject
                {
                    ["group"] = SubresourceApi.Group,
                    ["version"] = version,
                    ["groupPriorityMinimum"] = 1000,
                    ["versionPriority"] = 15,
                    ["caBundle"] = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(caPem)),
                    ["service"] = new JsonObject { ["namespace"] = options.ServiceNamespace, ["name"] = name, ["port"] = port },
                },
            }, ct);
        }
    }

    private async Task CreateIfAbsentAsync(string path, JsonObject obj, CancellationToken ct)
    {
        try
        {
            await kubernetes.PostRawAsync(path, obj, ct);
        }
        catch (KubeException e) when (e.Reason == "AlreadyExists")
        {
            // Its owner was here first.
        }
    }

    public Task ApplyAsync(string path, JsonObject obj, CancellationToken ct) =>
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
            catch (Exception e) when (e is HttpRequestException or KubeException { IsTransient: true } or KubeException { Code: 404 })
            {
                if (!said)
                    log.LogInformation("waiting for {What}: {Error}", what, e.Message);
            }

            await Task.Delay(Retry, ct);
        }
    }
}
