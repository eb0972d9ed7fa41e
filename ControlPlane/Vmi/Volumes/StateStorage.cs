using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Core;

namespace Troupe.ControlPlane.Vmi.Volumes;

/// <summary>Where the claims for TPM and UEFI state come from, and who may have one at the same time.</summary>
/// <param name="Class">Null where the cluster has no default.</param>
public sealed record StateStorage(string? Class, string AccessMode)
{
    private const string Many = "ReadWriteMany";
    private const string One = "ReadWriteOnce";
    private const string VirtDefault = "storageclass.kubevirt.io/is-default-virt-class";
    private const string Default = "storageclass.kubernetes.io/is-default-class";

    /// <param name="configured">`vmStateStorageClass` of the KubeVirt object.</param>
    public static async Task<StateStorage> FindAsync(IKubeClient kubernetes, string? configured, CancellationToken ct)
    {
        var name = configured ?? DefaultOf((await kubernetes.ListAsync<StorageClass>(null, ct: ct).ConfigureAwait(false)).Items);
        return Of(name, configured is not null, name is null ? null : await ProfileAsync(kubernetes, name, ct).ConfigureAwait(false));
    }

    private static async Task<StorageProfile?> ProfileAsync(IKubeClient kubernetes, string name, CancellationToken ct)
    {
        try
        {
            return await kubernetes.FindAsync<StorageProfile>(null, name, ct).ConfigureAwait(false);
        }
        catch (KubeException e) when (e.IsNotServed)
        {
            // A cluster without CDI.
            return null;
        }
    }

    /// <summary>A class that somebody chose for this is taken to be shared, where CDI knows nothing of it; the cluster's default is not.</summary>
    internal static StateStorage Of(string? name, bool isChosen, StorageProfile? profile)
    {
        var modes = (profile?.Status?.ClaimPropertySets ?? []).Where(s => s.VolumeMode is "Filesystem").SelectMany(s => s.AccessModes ?? []).ToHashSet();
        return new StateStorage(name, modes.Contains(Many) ? Many : modes.Contains(One) ? One : isChosen ? Many : One);
    }

    /// <summary>The one for virtual machines goes before the one for all.</summary>
    internal static string? DefaultOf(IReadOnlyCollection<StorageClass> classes) => With(classes, VirtDefault) ?? With(classes, Default);

    private static string? With(IEnumerable<StorageClass> classes, string annotation) =>
        classes.LastOrDefault(c => c.Metadata.Annotations?.GetValueOrDefault(annotation) is "true")?.Metadata.Name;
}
