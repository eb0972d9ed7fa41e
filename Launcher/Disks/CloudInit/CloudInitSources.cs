using System.Text;
using Troupe.Launcher.Converter;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks.CloudInit;

/// <summary>What the user wrote, from wherever it was written.</summary>
internal sealed record CloudInitSources(byte[] UserData, byte[]? NetworkData)
{
    public static CloudInitSources Read(Volume volume, string field)
    {
        var name = volume.Name!;
        return volume switch
        {
            { CloudInitNoCloud: { } s } => Read(name, $"{field}.cloudInitNoCloud", s.UserData, s.UserDataBase64, s.SecretRef?.Name, s.NetworkData, s.NetworkDataBase64, s.NetworkDataSecretRef?.Name),
            { CloudInitConfigDrive: { } s } => Read(name, $"{field}.cloudInitConfigDrive", s.UserData, s.UserDataBase64, s.SecretRef?.Name, s.NetworkData, s.NetworkDataBase64, s.NetworkDataSecretRef?.Name),
            _ => throw new ArgumentException("not a cloud-init volume", nameof(volume)),
        };
    }

    private static CloudInitSources Read(string volume, string field, string? user, string? userBase64, string? userSecret, string? network, string? networkBase64, string? networkSecret) => new(
        Text(user, userBase64, $"{field}.userDataBase64") ?? FromSecret(userSecret, LauncherPaths.SecretVolume(volume), $"{field}.secretRef", "userdata", "userData") ?? [],
        Text(network, networkBase64, $"{field}.networkDataBase64")
            ?? FromSecret(networkSecret, LauncherPaths.SecretVolume($"{volume}-networkdata"), $"{field}.networkDataSecretRef", "networkdata", "networkData"));

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
            throw new UnsupportedSpecException(field, "is not valid base64", isInvalid: true);
        }
    }

    private static byte[]? FromSecret(string? secret, string folder, string field, params string[] keys)
    {
        if (secret is null)
            return null;
        var file = keys.Select(k => Path.Combine(folder, k)).FirstOrDefault(File.Exists);
        return file is not null
            ? File.ReadAllBytes(file)
            : throw new UnsupportedSpecException(field, $"secret '{secret}' has none of the keys {string.Join(", ", keys)}", isInvalid: true);
    }
}
