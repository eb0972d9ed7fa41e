using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Troupe.Messages.Api;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Protocol.Node;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>A name for what a guest is to be: it changes when the spec or a volume that is plugged in does, and only then.</summary>
internal static class SpecRevision
{
    private const int Length = 16;

    /// <param name="vmi">With its defaults applied.</param>
    public static string Of(VirtualMachineInstance vmi, IReadOnlyList<PluggedVolume> volumes)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(vmi.Spec!, ApiJson.Default.VirtualMachineInstanceSpec));
        foreach (var volume in volumes)
            hash.AppendData(Encoding.UTF8.GetBytes($"\0{volume.Name}\0{volume.AttachmentPodUid}\0{volume.Kind}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..Length];
    }
}
