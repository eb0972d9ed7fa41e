using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Troupe.DevCluster.Api;

namespace Troupe.DevCluster.Nodes.Logs;

/// <summary>Container logs from the CRI-format files that conmon writes: <c>TIME STREAM TAG TEXT</c>, tag P for a part of a line.</summary>
internal sealed class PodLogSource(IKubeApi api, StateLayout layout, TimeProvider time) : IPodLogSource
{
    private static readonly TimeSpan FollowInterval = TimeSpan.FromMilliseconds(200);

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(PodLogRequest request, [EnumeratorCancellation] CancellationToken ct)
    {
        var pod = Model.KubeJson.Read<Model.Pod>(await api.GetAsync(ResourceKey.Pods, request.Namespace, request.Pod, ct));
        var directory = $"{layout.PodLogs(pod.Spec.NodeName, pod.Namespace, pod.Name, pod.Uid)}/{request.Container}";
        var attempts = Directory.Exists(directory)
            ? Directory.EnumerateFiles(directory, "*.log").Select(f => int.TryParse(Path.GetFileNameWithoutExtension(f), out var n) ? n : -1).Where(n => n >= 0).Order().ToList()
            : [];
        if (request.Previous) attempts = attempts.SkipLast(1).ToList();
        if (attempts is not [.., var attempt])
            throw ApiException.BadRequest(request.Previous
                ? $"previous terminated container \"{request.Container}\" in pod \"{pod.Name}\" not found"
                : $"container \"{request.Container}\" in pod \"{pod.Name}\" is waiting to start: {Waiting(pod, request.Container)}");

        await using var file = new FileStream($"{directory}/{attempt}.log", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file, Encoding.UTF8);
        var lines = new List<string>();
        while (await reader.ReadLineAsync(ct) is { } line) lines.Add(line);
        if ((request.SinceTime ?? (request.SinceSeconds is { } seconds ? time.GetUtcNow() - TimeSpan.FromSeconds(seconds) : null)) is { } since)
        {
            lines = [.. lines.Where(l => DateTimeOffset.TryParse(l.Split(' ', 2)[0], CultureInfo.InvariantCulture, out var at) && at >= since)];
        }

        if (request.TailLines is { } tail) lines = [.. lines.TakeLast((int)Math.Min(tail, int.MaxValue))];
        var left = request.LimitBytes ?? long.MaxValue;
        foreach (var line in lines)
        {
            var bytes = Render(line, request.Timestamps);
            if (left <= 0) yield break;
            yield return bytes.AsMemory(0, (int)Math.Min(left, bytes.Length));
            left -= bytes.Length;
        }

        while (request.Follow && left > 0)
        {
            // Whether it still runs is asked before the file is read: what it wrote last is then certain to be seen.
            var runs = await RunsAsync(request, pod.Uid, attempt, ct);
            while (left > 0 && await reader.ReadLineAsync(ct) is { } line)
            {
                var bytes = Render(line, request.Timestamps);
                yield return bytes.AsMemory(0, (int)Math.Min(left, bytes.Length));
                left -= bytes.Length;
            }
            if (!runs) yield break;
            await Task.Delay(FollowInterval, time, ct);
        }
    }

    private async Task<bool> RunsAsync(PodLogRequest request, string uid, int attempt, CancellationToken ct)
    {
        try
        {
            var pod = Model.KubeJson.Read<Model.Pod>(await api.GetAsync(ResourceKey.Pods, request.Namespace, request.Pod, ct));
            if (pod.Uid != uid || pod.IsFinished) return false;
            // The run that is followed has ended when it is not the newest any more, or is reported as terminated.
            return Status(pod, request.Container) is not { } status || (status.RestartCount <= attempt && status.State.Terminated is null && !(status.RestartCount == attempt && status.State.Waiting is not null));
        }
        catch (ApiException gone) when (gone.Code == 404)
        {
            return false;
        }
    }

    private static string Waiting(Model.Pod pod, string container) => Status(pod, container)?.State.Waiting?.Reason switch
    {
        "ImagePullBackOff" or "ErrImagePull" => "trying and failing to pull image",
        { Length: > 0 } reason => reason,
        _ => "ContainerCreating",
    };

    private static Model.ContainerStatus? Status(Model.Pod pod, string container) =>
        pod.Status.ContainerStatuses.Concat(pod.Status.InitContainerStatuses).FirstOrDefault(status => status.Name == container);

    private static byte[] Render(string line, bool timestamps)
    {
        if (line.Split(' ', 4) is not [var at, _, var tag, var text]) return Encoding.UTF8.GetBytes(line + "\n");
        return Encoding.UTF8.GetBytes((timestamps ? at + " " : "") + text + (tag == "P" ? "" : "\n"));
    }
}
