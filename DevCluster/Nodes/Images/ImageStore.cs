using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Nodes.Host;

namespace Troupe.DevCluster.Nodes.Images;

/// <summary>
/// Finds images (local layouts first, then what was pulled before, then the registry) and unpacks each once per digest into
/// <c>images/&lt;digest&gt;/rootfs</c>, which all containers share read-only.
/// </summary>
public sealed class ImageStore(StateLayout layout, IReadOnlyList<string> localStores, IReadOnlyList<string> insecureRegistries, ILogger<ImageStore> log)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Image>>> inFlight = new();
    private readonly SemaphoreSlim pulls = new(3);

    /// <summary>Whether the image was already there, for the event's wording.</summary>
    public sealed record Resolved(Image Image, bool WasPresent, TimeSpan Took);

    /// <exception cref="ImageException">The image cannot be had.</exception>
    public async Task<Resolved> ResolveAsync(string name, string pullPolicy, CancellationToken ct = default)
    {
        var reference = ImageReference.Parse(name);
        var policy = pullPolicy.Length > 0 ? pullPolicy : reference.DefaultPullPolicy;
        if (FindLocal(reference) is var (source, manifest))
            return new Resolved(await SharedAsync("unpack " + manifest.Digest, () => UnpackAsync(name, source, manifest), ct), true, TimeSpan.Zero);

        if (policy is "IfNotPresent" or "Never" && Cached(name, reference) is { } cached) return new Resolved(cached, true, TimeSpan.Zero);
        if (policy == "Never")
            throw new ImageException(ImageException.NeverPull, $"Container image \"{name}\" is not present with pull policy of Never");

        var started = TimeProvider.System.GetTimestamp();
        var pulled = await SharedAsync("pull " + reference.Canonical, () => PullAsync(name, reference), ct);
        return new Resolved(pulled, false, TimeProvider.System.GetElapsedTime(started));
    }

    /// <summary>Several askers wait for one piece of work; one that gives up does not stop it for the others.</summary>
    private async Task<Image> SharedAsync(string key, Func<Task<Image>> work, CancellationToken ct)
    {
        var shared = inFlight.GetOrAdd(key, _ => new Lazy<Task<Image>>(() => Task.Run(work, CancellationToken.None)));
        var task = shared.Value;
        try
        {
            return await task.WaitAsync(ct);
        }
        finally
        {
            if (task.IsCompleted) inFlight.TryRemove(KeyValuePair.Create(key, shared));
        }
    }

    private (OciLayout, Descriptor)? FindLocal(ImageReference reference)
    {
        foreach (var store in localStores.SelectMany(OciLayout.Below))
        {
            if (store.Find(reference) is { } manifest) return (store, manifest);
        }
        return null;
    }

    private Image? Cached(string name, ImageReference reference)
    {
        var file = PulledFile(reference);
        return File.Exists(file) && Unpacked(name, File.ReadAllText(file)) is { } image ? image : null;
    }

    private Image? Unpacked(string name, string digest)
    {
        var directory = DirectoryOf(digest);
        // config.json is written last, and the whole directory is renamed into place: it is complete if it is there.
        return File.Exists($"{directory}/config.json")
            ? new Image(name, digest, $"{directory}/rootfs", JsonSerializer.Deserialize(File.ReadAllText($"{directory}/config.json"), NodeFiles.Default.ImageConfig)!)
            : null;
    }

    private async Task<Image> PullAsync(string name, ImageReference reference)
    {
        await pulls.WaitAsync();
        var staging = Directory.CreateDirectory($"{layout.Images}/.pull-{Guid.NewGuid():n}").FullName;
        try
        {
            List<string> arguments = ["copy", "--quiet"];
            if (insecureRegistries.Contains(reference.Registry)) arguments.Add("--src-tls-verify=false");
            arguments.AddRange([$"docker://{reference.ForPull}", $"oci:{staging}:image"]);
            var result = await Command.RunAsync("skopeo", arguments);
            if (!result.Ok) throw PullFailure(name, reference, result.Explanation);
            var pulled = new OciLayout(staging);
            var image = await UnpackAsync(name, pulled, pulled.First());
            AtomicFile.Write(PulledFile(reference), image.Digest);
            return image;
        }
        catch (HostException failure)
        {
            throw new ImageException(ImageException.ErrImagePull, $"failed to pull and unpack image \"{reference.Canonical}\": {failure.Message}", failure);
        }
        finally
        {
            Directory.Delete(staging, recursive: true);
            pulls.Release();
        }
    }

    private static ImageException PullFailure(string name, ImageReference reference, string explanation)
    {
        // skopeo logs `time=... level=fatal msg="..."`; the last line's message is the cause.
        var line = explanation.Split('\n')[^1];
        if (line.IndexOf("msg=\"", StringComparison.Ordinal) is >= 0 and var at) line = line[(at + 5)..].TrimEnd('"').Replace("\\\"", "\"", StringComparison.Ordinal);
        var absent = line.Contains("manifest unknown", StringComparison.Ordinal) || line.Contains("name unknown", StringComparison.Ordinal)
            || line.Contains("was deleted or has expired", StringComparison.Ordinal) || line.Contains("repository name not known", StringComparison.Ordinal);
        return new ImageException(ImageException.ErrImagePull, absent
            ? $"failed to pull and unpack image \"{reference.Canonical}\": failed to resolve reference \"{reference.Canonical}\": {reference.Canonical}: not found"
            : $"failed to pull image \"{name}\": {line}");
    }

    private async Task<Image> UnpackAsync(string name, OciLayout source, Descriptor manifest)
    {
        if (Unpacked(name, manifest.Digest) is { } ready) return ready;
        var staging = Directory.CreateDirectory($"{layout.Images}/.unpack-{Guid.NewGuid():n}").FullName;
        try
        {
            var config = source.Config(source.Manifest(manifest));
            Stage(source, manifest, $"{staging}/layout");
            await Command.RequireAsync("umoci", ["raw", "unpack", "--image", $"{staging}/layout:image", $"{staging}/rootfs"]);
            Directory.Delete($"{staging}/layout", recursive: true);
            await File.WriteAllTextAsync($"{staging}/config.json", JsonSerializer.Serialize(config, NodeFiles.Default.ImageConfig));
            Directory.Move(staging, DirectoryOf(manifest.Digest));
            log.LogInformation("Unpacked image {Image} ({Digest})", name, manifest.Digest);
            return Unpacked(name, manifest.Digest)!;
        }
        catch (Exception failure) when (failure is HostException or IOException or JsonException)
        {
            if (Unpacked(name, manifest.Digest) is { } other) return other; // another DevCluster on this state was quicker
            throw new ImageException(ImageException.ErrImagePull, $"failed to unpack image \"{name}\": {failure.Message}", failure);
        }
        finally
        {
            if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        }
    }

    /// <summary>A one-image view of a layout: umoci finds images by tag only and does not choose an architecture.</summary>
    private static void Stage(OciLayout source, Descriptor manifest, string directory)
    {
        Directory.CreateDirectory(directory);
        File.CreateSymbolicLink($"{directory}/blobs", Path.GetFullPath($"{source.Directory}/blobs"));
        File.WriteAllText($"{directory}/oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
        var size = new FileInfo(source.Blob(manifest.Digest)).Length;
        File.WriteAllText($"{directory}/index.json", new JsonObject
        {
            ["schemaVersion"] = 2,
            ["manifests"] = new JsonArray(new JsonObject
            {
                ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
                ["digest"] = manifest.Digest,
                ["size"] = size,
                ["annotations"] = new JsonObject { [OciLayout.RefName] = "image" },
            }),
        }.ToJsonString());
    }

    private string DirectoryOf(string digest) => $"{layout.Images}/{digest.Replace(':', '-')}";

    private string PulledFile(ImageReference reference) => $"{layout.Images}/{Uri.EscapeDataString(reference.Canonical)}.pulled";
}
