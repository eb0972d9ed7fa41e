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
                : $"container \"{request.Container}\" in pod \"{pod.Name}\" is waiting to start: ContainerCreating");

        await using var file = new FileStream($"{directory}/{attempt}.log", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file, Encoding.UTF8);
        var lines = new List<string>();
        while (await reader.ReadLineAsync(ct) is { } line) lines.Add(line);
        if (request.SinceSeconds is { } seconds)
        {
            var since = time.GetUtcNow() - TimeSpan.FromSeconds(seconds);
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
            var runs = await RunsAsync(request, pod.Uid, ct);
            while (await reader.ReadLineAsync(ct) is { } line) yield return Render(line, request.Timestamps);
            if (!runs) yield break;
            await Task.Delay(FollowInterval, time, ct);
        }
    }

    private async Task<bool> RunsAsync(PodLogRequest request, string uid, CancellationToken ct)
    {
        try
        {
            var pod = Model.KubeJson.Read<Model.Pod>(await api.GetAsync(ResourceKey.Pods, request.Namespace, request.Pod, ct));
            return pod.Uid == uid && !pod.IsFinished;
        }
        catch (ApiException gone) when (gone.Code == 404)
        {
            return false;
        }
    }

    private static byte[] Render(string line, bool timestamps)
    {
        if (line.Split(' ', 4) is not [var at, _, var tag, var text]) return Encoding.UTF8.GetBytes(line + "\n");
        return Encoding.UTF8.GetBytes((timestamps ? at + " " : "") + text + (tag == "P" ? "" : "\n"));
    }
}
