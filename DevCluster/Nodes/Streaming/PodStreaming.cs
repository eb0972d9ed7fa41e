using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Json;
using Troupe.DevCluster.Store;

namespace Troupe.DevCluster.Nodes.Streaming;

/// <summary>The subresources of pods by which a client gets into one: exec, attach and portforward.</summary>
internal sealed class PodStreaming(StateLayout layout, ILogger log)
{
    private static readonly string[] WebSocketProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

    public async Task ExecAsync(HttpContext context, StoredObject stored)
    {
        var (pod, options) = (Running(stored, "exec into"), RemoteOptions.Of(context.Request.Query));
        var command = context.Request.Query["command"].Select(word => word ?? "").ToList();
        if (command.Count == 0) throw ApiException.BadRequest("you must specify at least one command for the container");
        var container = RunningContainer(pod, PodContainers.Choose(pod, context.Request.Query["container"].ToString()));
        await using var streams = await AcceptAsync(context, options);
        await new ContainerExec(layout).RunAsync(container.Id, command, options, streams);
    }

    public async Task AttachAsync(HttpContext context, StoredObject stored)
    {
        var (pod, options) = (Running(stored, "attach"), RemoteOptions.Of(context.Request.Query));
        var name = PodContainers.Choose(pod, context.Request.Query["container"].ToString());
        var container = RunningContainer(pod, name);
        await using var streams = await AcceptAsync(context, options);
        await ContainerAttach.RunAsync($"{DirectoryOf(pod)}/containers/{name}/{container.Attempt}", options, streams);
    }

    public async Task PortForwardAsync(HttpContext context, StoredObject stored)
    {
        var pod = stored.Parse();
        if (pod.Str("status", "phase") != "Running") throw ApiException.BadRequest($"pod {stored.Name} is not running: its phase is {pod.Str("status", "phase")}");
        var sandbox = JsonSerializer.Deserialize(await File.ReadAllTextAsync($"{DirectoryOf(pod)}/sandbox.json", context.RequestAborted), NodeFiles.Default.SandboxRecord)!;
        await new PortForward(sandbox.Address.NetnsPath, log).ServeAsync(context);
    }

    private static async Task<IRemoteStreams> AcceptAsync(HttpContext context, RemoteOptions options) => Upgrades.IsWebSocket(context)
        ? new WebSocketStreams((await Upgrades.WebSocketAsync(context, WebSocketProtocols)).Socket, options)
        : await SpdyStreams.AcceptAsync(await Upgrades.SpdyAsync(context, "v4.channel.k8s.io"), options, context.RequestAborted);

    private static JsonObject Running(StoredObject stored, string what)
    {
        var pod = stored.Parse();
        if (pod.Str("spec", "nodeName") is null or "") throw ApiException.BadRequest($"pod {stored.Name} does not have a host assigned");
        return pod.Str("status", "phase") is "Succeeded" or "Failed"
            ? throw ApiException.BadRequest($"cannot {what} a container in a completed pod; current phase is {pod.Str("status", "phase")}")
            : pod;
    }

    private static (string Id, long Attempt) RunningContainer(JsonObject pod, string name)
    {
        foreach (var list in new[] { "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses" })
        {
            foreach (var status in pod.Arr("status", list) ?? [])
            {
                if (status.Str("name") == name && status.Obj("state", "running") is not null && status.Str("containerID") is { } id)
                    return (id[(id.IndexOf("://", StringComparison.Ordinal) + 3)..], status.Int("restartCount") ?? 0);
            }
        }
        throw new ApiException(500, "InternalError", $"unable to upgrade connection: container not found (\"{name}\")");
    }

    private string DirectoryOf(JsonObject pod) => layout.Pod(pod.Str("spec", "nodeName")!, pod.Str("metadata", "uid")!);
}
