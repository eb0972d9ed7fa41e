using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Launcher.Disks.CloudInit;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;

namespace Troupe.Launcher.Hooks;

/// <summary>
/// The pod's hook side-cars (`hooks.kubevirt.io/hookSidecars`), which may change the domain and the cloud-init data before the guest starts
/// and hear of its end. Each serves gRPC on a socket in a folder of its own.
/// </summary>
internal sealed class HookSidecars(string folder, int expected, TimeProvider time, Action<string> log) : IDisposable
{
    public const string SharedFolder = "/var/run/kubevirt-hooks";
    public const string OnDefineDomain = "OnDefineDomain";
    public const string PreCloudInitIso = "PreCloudInitIso";
    public const string OnShutdown = "Shutdown";
    /// <summary>The newest first.</summary>
    public static readonly IReadOnlyList<string> Versions = ["v1alpha3", "v1alpha2", "v1alpha1"];

    /// <summary>The VMI as Kubernetes writes it. (ApiJson would do it, too, and bring the types of every other kind into this binary.)</summary>
    private static readonly LauncherJson AsKubernetes = new(new JsonSerializerOptions(LauncherJson.Default.Options) { Converters = { new Rfc3339Converter() } });
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan InfoPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CallPatience = TimeSpan.FromMinutes(1);

    /// <summary>How long one start waits for them; the next goes on from there.</summary>
    private static readonly TimeSpan CollectPatience = TimeSpan.FromSeconds(20);
    private readonly List<Sidecar> _found = [];

    private sealed record Sidecar(string Path, GrpcSocket Socket, string Name, string Service, IReadOnlyDictionary<string, long> Priorities);

    /// <summary>Waits until all of them answer.</summary>
    /// <exception cref="HookException">One speaks no version that is known here.</exception>
    /// <exception cref="TimeoutException">They are not all there yet.</exception>
    public async Task CollectAsync(CancellationToken ct)
    {
        var deadline = time.GetUtcNow() + CollectPatience;
        while (_found.Count < expected)
        {
            foreach (var path in Directory.Exists(folder) ? Directory.GetDirectories(folder).SelectMany(Directory.GetFiles).Where(f => _found.All(s => s.Path != f)) : [])
            {
                if (await AskAsync(path, ct).ConfigureAwait(false) is { } sidecar)
                    _found.Add(sidecar);
            }

            if (_found.Count >= expected)
                break;
            if (time.GetUtcNow() > deadline)
                throw new TimeoutException($"{_found.Count} of {expected} hook side-cars answer");
            await Task.Delay(LookInterval, time, ct).ConfigureAwait(false);
        }
    }

    /// <returns>The domain as the side-cars want it.</returns>
    /// <exception cref="HookException">One of them has refused.</exception>
    public async Task<string> DefineAsync(string xml, VirtualMachineInstance vmi, CancellationToken ct)
    {
        foreach (var sidecar in At(OnDefineDomain))
        {
            var answer = await CallAsync(sidecar, OnDefineDomain, Protobuf.Message((1, Encoding.UTF8.GetBytes(xml)), (2, Json(vmi))), ct).ConfigureAwait(false);
            xml = Encoding.UTF8.GetString(answer.LastOrDefault(f => f.Field == 1).Bytes ?? []);
        }

        return xml;
    }

    /// <returns>The data as the side-cars want them.</returns>
    /// <exception cref="HookException">One of them has refused.</exception>
    public async Task<CloudInitSources> SeedAsync(CloudInitSources data, bool isNoCloud, VirtualMachineInstance vmi, CancellationToken ct)
    {
        foreach (var sidecar in At(PreCloudInitIso))
        {
            // The first form is what side-cars of old know.
            var (user, network) = (Encoding.UTF8.GetString(data.UserData), Encoding.UTF8.GetString(data.NetworkData ?? []));
            var old = new JsonObject { ["userData"] = user, ["networkData"] = network };
            var full = new JsonObject { ["DataSource"] = isNoCloud ? "noCloud" : "configDrive", ["UserData"] = user, ["NetworkData"] = network, [isNoCloud ? "NoCloudMetaData" : "ConfigDriveMetaData"] = new JsonObject() };
            var answer = await CallAsync(sidecar, PreCloudInitIso, Protobuf.Message((1, Bytes(old)), (2, Json(vmi)), (3, Bytes(full))), ct).ConfigureAwait(false);
            data = Read(answer.LastOrDefault(f => f.Field == 3).Bytes, "UserData", "NetworkData") ?? Read(answer.LastOrDefault(f => f.Field == 1).Bytes, "userData", "networkData")
                ?? throw new HookException($"side-car {sidecar.Name}: {PreCloudInitIso} answered without data");
        }

        return data;
    }

    /// <summary>The guest has ended. What a side-car makes of it changes nothing.</summary>
    public async Task EndAsync(CancellationToken ct)
    {
        foreach (var sidecar in At(OnShutdown))
        {
            try
            {
                await CallAsync(sidecar, OnShutdown, [], ct).ConfigureAwait(false);
            }
            catch (HookException e)
            {
                log(e.Message);
            }
        }
    }

    public void Dispose() => _found.ForEach(s => s.Socket.Dispose());

    /// <summary>Those with the highest priority first.</summary>
    private IEnumerable<Sidecar> At(string point) => _found.Where(s => s.Priorities.ContainsKey(point)).OrderByDescending(s => s.Priorities[point]).ThenBy(s => s.Name, StringComparer.Ordinal);

    /// <summary>Null for one that does not serve yet.</summary>
    private static async Task<Sidecar?> AskAsync(string path, CancellationToken ct)
    {
        var socket = new GrpcSocket(path);
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(InfoPatience);
            var info = Protobuf.Fields(await socket.CallAsync("kubevirt.hooks.info.Info", "Info", [], patience.Token).ConfigureAwait(false));
            var (name, versions) = (Text(info, 1).FirstOrDefault() ?? Path.GetFileName(path), Text(info, 4).ToList());
            var version = Versions.FirstOrDefault(versions.Contains) ?? throw new InvalidDataException($"side-car {name} speaks {string.Join(", ", versions)}; known are {string.Join(", ", Versions)}");
            var points = info.Where(f => f.Field == 3).Select(f => Protobuf.Fields(f.Bytes)).ToDictionary(p => Text(p, 1).FirstOrDefault() ?? "", p => p.LastOrDefault(f => f.Field == 2).Number);
            return new Sidecar(path, socket, name, $"kubevirt.hooks.{version}.Callbacks", points);
        }
        catch (Exception e) when (e is HookException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            socket.Dispose();
            return null;
        }
        catch (InvalidDataException e)
        {
            socket.Dispose();
            throw new HookException(e.Message, e);
        }
    }

    private static async Task<List<(int Field, long Number, byte[] Bytes)>> CallAsync(Sidecar sidecar, string point, byte[] message, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(CallPatience);
        try
        {
            return Protobuf.Fields(await sidecar.Socket.CallAsync(sidecar.Service, point, message, patience.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is HookException or InvalidDataException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            throw new HookException($"side-car {sidecar.Name}: {e.Message}", e);
        }
    }

    private static CloudInitSources? Read(byte[]? json, string user, string network)
    {
        try
        {
            return json is { Length: > 0 } && JsonNode.Parse(json) is JsonObject data && (string?)data[user] is { Length: > 0 } userData
                ? new CloudInitSources(Encoding.UTF8.GetBytes(userData), (string?)data[network] is { Length: > 0 } networkData ? Encoding.UTF8.GetBytes(networkData) : null)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new HookException($"{PreCloudInitIso}: {e.Message}", e);
        }
    }

    private static IEnumerable<string> Text(List<(int Field, long Number, byte[] Bytes)> fields, int field) => fields.Where(f => f.Field == field).Select(f => Encoding.UTF8.GetString(f.Bytes));

    private static byte[] Json(VirtualMachineInstance vmi) => JsonSerializer.SerializeToUtf8Bytes(vmi, AsKubernetes.VirtualMachineInstance);

    private static byte[] Bytes(JsonObject json) => MetadataJson.Bytes(json);
}
