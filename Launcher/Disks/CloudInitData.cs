using System.Text;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>The files of a NoCloud seed.</summary>
internal sealed record CloudInitData(byte[] MetaData, byte[] UserData, byte[]? NetworkData)
{
    public static CloudInitData Of(VirtualMachineInstance vmi, string volume, CloudInitNoCloudSource source)
    {
        var hostname = vmi.Spec?.Hostname is { Length: > 0 } set ? set : vmi.Metadata.Name!.Split('.')[0];
        // JSON is YAML, and cloud-init reads it as such.
        var meta = $$"""{ "instance-id": "{{vmi.Metadata.Name}}.{{vmi.Metadata.Namespace}}", "local-hostname": "{{hostname}}" }""" + "\n";
        return new CloudInitData(
            Encoding.UTF8.GetBytes(meta),
            Text(source.UserData, source.UserDataBase64, "userDataBase64") ?? FromSecret(source.SecretRef?.Name, LauncherPaths.SecretVolume(volume), "userdata", "userData") ?? [],
            Text(source.NetworkData, source.NetworkDataBase64, "networkDataBase64")
                ?? FromSecret(source.NetworkDataSecretRef?.Name, LauncherPaths.SecretVolume($"{volume}-networkdata"), "networkdata", "networkData"));
    }

    private static byte[]? Text(string? plain, string? base64, string field)
    {
        if (plain is { Length: > 0 })
            return Encoding.UTF8.GetBytes(plain);
        if (base64 is not { Length: > 0 })
            return null;
        try
        {
            return Convert.FromBase64String(base64);
        }
        catch (FormatException)
        {
            throw new UnsupportedSpecException($"spec.volumes.cloudInitNoCloud.{field}", "is not valid base64", isInvalid: true);
        }
    }

    private static byte[]? FromSecret(string? secret, string folder, params string[] keys)
    {
        if (secret is null)
            return null;
        var file = keys.Select(k => Path.Combine(folder, k)).FirstOrDefault(File.Exists);
        return file is not null
            ? File.ReadAllBytes(file)
            : throw new UnsupportedSpecException("spec.volumes.cloudInitNoCloud.secretRef", $"secret '{secret}' has none of the keys {string.Join(", ", keys)}", isInvalid: true);
    }
}

/// <summary>An ISO image labelled <c>cidata</c>, which cloud-init looks for.</summary>
internal static class CloudInitImage
{
    public static async Task WriteAsync(CloudInitData data, string file, CancellationToken ct)
    {
        var seed = Path.Combine(Path.GetDirectoryName(file)!, "seed");
        Directory.CreateDirectory(seed);
        await File.WriteAllBytesAsync(Path.Combine(seed, "meta-data"), data.MetaData, ct).ConfigureAwait(false);
        await File.WriteAllBytesAsync(Path.Combine(seed, "user-data"), data.UserData, ct).ConfigureAwait(false);
        if (data.NetworkData is { } network)
            await File.WriteAllBytesAsync(Path.Combine(seed, "network-config"), network, ct).ConfigureAwait(false);
        await Command.RunAsync("xorriso", ["-as", "mkisofs", "-quiet", "-volid", "cidata", "-joliet", "-rock", "-o", file + ".new", seed], ct).ConfigureAwait(false);
        // What the seed holds may be secret, and the image has it all.
        Directory.Delete(seed, recursive: true);
        File.Move(file + ".new", file, overwrite: true);
    }
}
