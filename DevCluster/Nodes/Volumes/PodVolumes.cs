using System.Text;
using System.Text.Json.Nodes;
using Troupe.DevCluster.Api;
using Troupe.DevCluster.Nodes.Host;
using Troupe.DevCluster.Nodes.Kubelet;
using Troupe.DevCluster.Nodes.Model;

namespace Troupe.DevCluster.Nodes.Volumes;

/// <summary>Where a volume lies on the host; for a block volume that is a device file.</summary>
public sealed record MountedVolume(string HostPath, bool ReadOnly, bool IsDevice = false);

/// <summary>Sets up a pod's volumes in the kubelet's directory layout (<c>volumes/kubernetes.io~&lt;plugin&gt;/&lt;name&gt;</c>). Image volumes are not here: they come with the images.</summary>
internal sealed class PodVolumes(IKubeApi api, ClaimVolumes claims, string podDirectory)
{
    private const ulong NoSuidNoDev = 2 | 4;

    private string PathOf(string plugin, string volume) => $"{podDirectory}/volumes/kubernetes.io~{plugin}/{volume}";

    /// <summary>Sets up all volumes; doing it again refreshes the contents of API-backed ones.</summary>
    /// <exception cref="VolumeException">One of them cannot be set up.</exception>
    public async Task<IReadOnlyDictionary<string, MountedVolume>> SetUpAsync(PodFacts facts, CancellationToken ct)
    {
        var mounted = new Dictionary<string, MountedVolume>();
        foreach (var volume in facts.Pod.Spec.Volumes.Where(volume => volume.Image is null))
        {
            try
            {
                mounted[volume.Name] = await SetUpAsync(volume, facts, ct);
            }
            catch (AttachException failure)
            {
                throw new VolumeException(failure);
            }
            catch (Exception failure) when (failure is ApiException or IOException or UnauthorizedAccessException or HostException or MissingContentException)
            {
                throw new VolumeException(volume.Name, failure.Message, failure);
            }
        }
        return mounted;
    }

    public static bool NeedsRefresh(PodSpec spec) =>
        spec.Volumes.Any(volume => volume.ConfigMap is not null || volume.Secret is not null || volume.Projected is not null || volume.DownwardAPI is not null);

    private async Task<MountedVolume> SetUpAsync(Volume volume, PodFacts facts, CancellationToken ct)
    {
        var group = (uint?)facts.Pod.Spec.SecurityContext.FsGroup;
        switch (volume)
        {
            case { HostPath: { } host }:
                return new MountedVolume(HostPath(host), false);
            case { ConfigMap: { } map }:
                return Project("configmap", volume.Name, await ConfigMapFilesAsync(map, map.DefaultMode ?? 420, facts, ct), group);
            case { Secret: { } secret }:
                var source = new ProjectedSecret { Name = secret.SecretName, Items = secret.Items, Optional = secret.Optional };
                return Project("secret", volume.Name, await SecretFilesAsync(source, secret.DefaultMode ?? 420, facts, ct), group);
            case { DownwardAPI: { } downward }:
                return Project("downward-api", volume.Name, DownwardFiles(downward, downward.DefaultMode ?? 420, facts), group);
            case { Projected: { } projected }:
                return Project("projected", volume.Name, await ProjectedFilesAsync(volume.Name, projected, facts, ct), group);
            case { EmptyDir: { } empty }:
                return new MountedVolume(EmptyDir(volume.Name, empty, group), false);
            case { } when volume.ClaimName(facts.Pod.Name) is { } claim:
                return await claims.SetUpAsync(facts.Pod, volume, claim, group, ct);
            default:
                throw new MissingContentException("no volume plugin matched: this kubelet knows emptyDir, hostPath, configMap, secret, downwardAPI, projected, image, ephemeral and persistentVolumeClaim");
        }
    }

    private string EmptyDir(string name, EmptyDirVolume empty, uint? group)
    {
        var path = PathOf("empty-dir", name);
        var isNew = !Directory.Exists(path);
        Directory.CreateDirectory(path);
        if (empty.Medium == "Memory" && !MountTable.IsMountPoint(path))
        {
            isNew = true;
            Native.Mount("tmpfs", path, "tmpfs", NoSuidNoDev, empty.SizeLimit is { Value: > 0 } size ? $"size={size.Units}" : null);
        }
        // Set up again after a restart: containers may have changed its mode since.
        if (!isNew) return path;
        if (group is { } gid) Native.Chown(path, 0, gid);
        const UnixFileMode everyone = (UnixFileMode)0b111_111_111;
        File.SetUnixFileMode(path, group is null ? everyone : everyone | UnixFileMode.SetGroup);
        return path;
    }

    internal static string HostPath(HostPathVolume volume)
    {
        var (path, type) = (volume.Path, volume.Type);
        if (type == "DirectoryOrCreate") Directory.CreateDirectory(path);
        if (type == "FileOrCreate" && !Path.Exists(path)) File.Create(path).Dispose();
        var status = Native.Stat(path);
        var (fits, what) = type switch
        {
            "" => (status is not null, "file or directory"),
            "Directory" or "DirectoryOrCreate" => (status is { IsDirectory: true }, "directory"),
            "File" or "FileOrCreate" => (status is { IsRegular: true }, "file"),
            "Socket" => (status is { IsSocket: true }, "socket file"),
            "CharDevice" => (status is { IsCharDevice: true }, "character device"),
            "BlockDevice" => (status is { IsBlockDevice: true }, "block device"),
            _ => (false, type),
        };
        return fits ? path : throw new MissingContentException($"hostPath type check failed: {path} is not a {what}");
    }

    private MountedVolume Project(string plugin, string name, Dictionary<string, ProjectedFile> files, uint? group)
    {
        var path = PathOf(plugin, name);
        AtomicDirectory.Write(path, files, group);
        return new MountedVolume(path, true);
    }

    private async Task<Dictionary<string, ProjectedFile>> ProjectedFilesAsync(
        string name, ProjectedVolume volume, PodFacts facts, CancellationToken ct)
    {
        var mode = volume.DefaultMode ?? 420;
        var files = new Dictionary<string, ProjectedFile>();
        foreach (var source in volume.Sources)
        {
            var part = source switch
            {
                { ConfigMap: { } map } => await ConfigMapFilesAsync(map, mode, facts, ct),
                { Secret: { } secret } => await SecretFilesAsync(secret, mode, facts, ct),
                { DownwardAPI: { } downward } => DownwardFiles(downward, mode, facts),
                { ServiceAccountToken: { } token } => await TokenFileAsync($"{PathOf("projected", name)}/{token.Path}", token, mode, facts, ct),
                _ => throw new MissingContentException("projected volume has a source of an unknown kind"),
            };
            foreach (var (path, file) in part) files[path] = file;
        }
        return files;
    }

    private async Task<Dictionary<string, ProjectedFile>> ConfigMapFilesAsync(ConfigMapVolume volume, int mode, PodFacts facts, CancellationToken ct)
    {
        var map = await FindAsync(ResourceKey.ConfigMaps, "configmap", facts.Pod.Namespace, volume.Name, volume.Optional, ct);
        var content = Entries(map?["data"], text => Encoding.UTF8.GetBytes(text));
        foreach (var (key, bytes) in Entries(map?["binaryData"], Convert.FromBase64String)) content[key] = bytes;
        return Select(content, volume.Items, mode, volume.Optional, "configmap", volume.Name);
    }

    private async Task<Dictionary<string, ProjectedFile>> SecretFilesAsync(ProjectedSecret volume, int mode, PodFacts facts, CancellationToken ct)
    {
        var secret = await FindAsync(ResourceKey.Secrets, "secret", facts.Pod.Namespace, volume.Name, volume.Optional, ct);
        return Select(Entries(secret?["data"], Convert.FromBase64String), volume.Items, mode, volume.Optional, "secret", volume.Name);
    }

    private static Dictionary<string, ProjectedFile> DownwardFiles(DownwardApiVolume volume, int mode, PodFacts facts) =>
        volume.Items.ToDictionary(item => item.Path, item =>
        {
            var text = item switch
            {
                { FieldRef: { } field } => facts.Field(field.FieldPath) ?? throw new MissingContentException($"unsupported fieldPath: {field.FieldPath}"),
                { ResourceFieldRef: { } resource } => facts.Resource(resource, new Container())
                    ?? throw new MissingContentException($"unsupported resource: {resource.Resource}"),
                _ => "",
            };
            return new ProjectedFile(Encoding.UTF8.GetBytes(text), item.Mode ?? mode);
        });

    private async Task<Dictionary<string, ProjectedFile>> TokenFileAsync(
        string current, ServiceAccountTokenProjection projection, int mode, PodFacts facts, CancellationToken ct)
    {
        // Like the kubelet, ask for the next token when 80 % of the old one's life is over.
        if (File.Exists(current) && DateTime.UtcNow - File.GetLastWriteTimeUtc(current) < TimeSpan.FromSeconds(projection.ExpirationSeconds * 0.8))
            return new() { [projection.Path] = new ProjectedFile(await File.ReadAllBytesAsync(current, ct), mode) };
        var pod = facts.Pod;
        var request = new JsonObject
        {
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["kind"] = "TokenRequest",
            ["spec"] = new JsonObject
            {
                ["expirationSeconds"] = projection.ExpirationSeconds,
                ["audiences"] = projection.Audience.Length == 0 ? [] : new JsonArray(projection.Audience),
                ["boundObjectRef"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["name"] = pod.Name, ["uid"] = pod.Uid },
            },
        };
        var account = pod.Spec.ServiceAccountName is { Length: > 0 } name ? name : "default";
        var answer = await api.CreateSubresourceAsync(ResourceKey.ServiceAccounts, pod.Namespace, account, "token", request, ct);
        var token = answer["status"]?["token"]?.GetValue<string>() ?? throw new MissingContentException($"no token was issued for service account {account}");
        return new() { [projection.Path] = new ProjectedFile(Encoding.UTF8.GetBytes(token), mode) };
    }

    private async Task<JsonObject?> FindAsync(ResourceKey resource, string kind, string ns, string name, bool optional, CancellationToken ct)
    {
        try
        {
            return await api.GetAsync(resource, ns, name, ct);
        }
        catch (ApiException missing) when (missing.Code == 404)
        {
            return optional ? null : throw new MissingContentException($"{kind} \"{name}\" not found");
        }
    }

    private static Dictionary<string, byte[]> Entries(JsonNode? map, Func<string, byte[]> decode) =>
        map is JsonObject entries ? entries.ToDictionary(entry => entry.Key, entry => decode(entry.Value?.GetValue<string>() ?? "")) : [];

    private static Dictionary<string, ProjectedFile> Select(
        Dictionary<string, byte[]> content, List<KeyToPath> items, int mode, bool optional, string kind, string name)
    {
        if (items.Count == 0) return content.ToDictionary(entry => entry.Key, entry => new ProjectedFile(entry.Value, mode));
        var chosen = new Dictionary<string, ProjectedFile>();
        foreach (var item in items)
        {
            if (content.TryGetValue(item.Key, out var bytes)) chosen[item.Path] = new ProjectedFile(bytes, item.Mode ?? mode);
            else if (!optional) throw new MissingContentException($"{kind} references non-existent config key: {item.Key} in {name}");
        }
        return chosen;
    }
}

/// <summary>Something that a volume or a variable refers to is not there.</summary>
internal sealed class MissingContentException(string message) : Exception(message);
